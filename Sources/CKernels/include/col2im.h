#ifndef CKERNELS_COL2IM_H
#define CKERNELS_COL2IM_H

#include "window.h"

// Adds the windows of all output positions, laid out as columns (channels × kernel cells, positions), to the places of
// x (channels, input…) that they cover.
void col2im(const float *columns, int64_t channels, const struct sliding_window *window, float *x);

// dx = dy where y, the result of a clamp, lies between the bounds; 0 at them.
void clamp_gradient(const float *y, const float *dy, float low, float high, float *dx, int64_t count);

#endif
