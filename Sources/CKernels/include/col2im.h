#ifndef CKERNELS_COL2IM_H
#define CKERNELS_COL2IM_H

#include "window.h"

#pragma GCC visibility push(hidden)

// Adds the windows of all output positions, laid out as columns (channels × kernel cells, positions), to the elements
// of x (channels, input…) that they cover.
void col2im(const float *columns, int64_t channels, const struct sliding_window *window, float *x);

#pragma GCC visibility pop

#endif
