// The interface is a header alone; that it compiles on its own is seen here.
#include "gradcam_plugin.h"
