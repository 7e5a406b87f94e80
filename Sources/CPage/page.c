#include "CPage.h"

static const char markup[] = {
#embed "../gradcam/Page/index.html" suffix(,)
    0};

static const char style[] = {
#embed "../gradcam/Page/page.css" suffix(,)
#embed "../gradcam/Page/graph.css" suffix(,)
#embed "../gradcam/Page/picture.css" suffix(,)
#embed "../gradcam/Page/controls.css" suffix(,)
#embed "../gradcam/Page/widths.css" suffix(,)
    0};

static const char modules[] = {
#embed "../gradcam/Page/arrays.js" suffix(,)
#embed "../gradcam/Page/address.js" suffix(,)
#embed "../gradcam/Page/dom.js" suffix(,)
#embed "../gradcam/Page/projection.js" suffix(,)
#embed "../gradcam/Page/drawing.js" suffix(,)
#embed "../gradcam/Page/thumbnails.js" suffix(,)
#embed "../gradcam/Page/channels.js" suffix(,)
#embed "../gradcam/Page/combobox.js" suffix(,)
#embed "../gradcam/Page/command.js" suffix(,)
#embed "../gradcam/Page/source.js" suffix(,)
#embed "../gradcam/Page/explanations.js" suffix(,)
#embed "../gradcam/Page/gestures.js" suffix(,)
#embed "../gradcam/Page/grid.js" suffix(,)
#embed "../gradcam/Page/navigation.js" suffix(,)
#embed "../gradcam/Page/operators.js" suffix(,)
#embed "../gradcam/Page/graph.js" suffix(,)
#embed "../gradcam/Page/images.js" suffix(,)
#embed "../gradcam/Page/keys.js" suffix(,)
#embed "../gradcam/Page/painting.js" suffix(,)
#embed "../gradcam/Page/panels.js" suffix(,)
#embed "../gradcam/Page/pictures.js" suffix(,)
#embed "../gradcam/Page/session.js" suffix(,)
#embed "../gradcam/Page/stage.js" suffix(,)
#embed "../gradcam/Page/saving.js" suffix(,)
#embed "../gradcam/Page/forms.js" suffix(,)
#embed "../gradcam/Page/target.js" suffix(,)
#embed "../gradcam/Page/views.js" suffix(,)
#embed "../gradcam/Page/main.js" suffix(,)
    0};

static const char interface[] = {
#embed "../gradcam/Serve/openapi.json" suffix(,)
    0};

const char *page_markup(void) { return markup; }
const char *page_style(void) { return style; }
const char *page_modules(void) { return modules; }
const char *page_interface(void) { return interface; }
