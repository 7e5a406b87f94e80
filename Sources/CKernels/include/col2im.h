#ifndef CKERNELS_COL2IM_H
#define CKERNELS_COL2IM_H

#include "window.h"

#pragma GCC visibility push(hidden)

// Adds the windows of all output positions, laid out as columns (channels × kernel cells, positions), to the elements
// of x (channels, input…) that they cover.
void col2im(const float *columns, int64_t channels, const struct sliding_window *window, float *x);

// Lays out the windows of all output positions of x (channels, input…) as columns (channels × kernel cells, positions);
// cells outside of x are 0.
void im2col(const float *x, int64_t channels, const struct sliding_window *window, float *columns);

#pragma GCC visibility pop

#endif
