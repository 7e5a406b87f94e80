#ifndef CKERNELS_POOLING_H
#define CKERNELS_POOLING_H

#include "window.h"

#pragma GCC visibility push(hidden)

// The floats of scratch memory that pooling one plane needs, at an address that is a multiple of 8.
int64_t pooling_scratch(const struct sliding_window *window);

// One plane. Windows that lie entirely in the padding give −infinity; NaN propagates.
void max_pool(const float *x, const struct sliding_window *window, float *y, float *scratch);

// One plane: the offset in the plane of the first maximum of each window in row-major order, −1 if the window is
// empty; a NaN counts as the maximum.
void max_pool_offsets(const float *x, const struct sliding_window *window, int64_t *offsets);

// One plane. The divisor counts the cells inside the tensor or, with `include_pad`, inside the declared padding.
void average_pool(const float *x, const struct sliding_window *window, int include_pad, float *y, float *scratch);

// Adds the gradient of one plane to dx.
void average_pool_gradient(const float *dy, const struct sliding_window *window, int include_pad, float *dx);

// One plane: (Σ |x|^p)^(1/p) over each window.
void lp_pool(const float *x, const struct sliding_window *window, float p, float *y);

// Adds the gradient of one plane to dx; at windows of zeros it is zero.
void lp_pool_gradient(
    const float *x, const float *y, const float *dy, const struct sliding_window *window, float p, float *dx);

// The mean of each row of a matrix.
void mean_of_rows(const float *x, int64_t rows, int64_t columns, float *y);

#pragma GCC visibility pop

#endif
