// The texts of the page and of its interface, which lie in Sources/gradcam/Page and Sources/gradcam/Serve.
#ifndef CPAGE_H
#define CPAGE_H

// The markup.
const char *page_markup(void);
// The style sheets, one after another.
const char *page_style(void);
// The modules of the script, each after those that it imports.
const char *page_modules(void);
// The description of the interface, in OpenAPI's form.
const char *page_interface(void);

#endif
