#ifndef CKERNELS_IM2COL_H
#define CKERNELS_IM2COL_H

#include "window.h"

// Lays out the windows of output rows [first_row, last_row) — rows of depth × height — as columns.
//
// x: one image, (channels, input…); columns: (channels × kernel volume, leading) with one column an output position,
// rows × width of them; cells outside the image are 0.
void im2col(
    const float *x, int64_t channels, const struct sliding_window *window, int64_t first_row, int64_t last_row,
    float *columns, int64_t leading);

// The transpose: adds columns of all output rows back to the positions of x that they came from.
void col2im(const float *columns, int64_t channels, const struct sliding_window *window, float *x);

// y = clamp(y + bias[row], low, high), NaN kept, for rows of a matrix whose rows lie `leading` apart; bias may be
// NULL.
void add_bias_and_clamp(
    float *y, int64_t rows, int64_t columns, int64_t leading, const float *bias, float low, float high);

// dx = dy where y, the result of a clamp, lies between the bounds; 0 at them.
void clamp_gradient(const float *y, const float *dy, float low, float high, float *dx, int64_t count);

#endif
