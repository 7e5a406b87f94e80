// The interface is only a header; this file shows that it compiles on its own.
#include "gradcam_plugin.h"
