#ifndef CKERNELS_DEFORMABLE_H
#define CKERNELS_DEFORMABLE_H

#include "window.h"

#pragma GCC visibility push(hidden)

// Deformable convolution over height and width: every cell of the window is moved by its own offset and sampled
// bilinearly, with zeros outside. Offsets are two planes of outputs per cell (down, right); a mask, which may be NULL,
// is one plane per cell that multiplies its samples.

// The samples of one channel: a row of outputs for each cell.
void deform_columns(
    const float *x, const float *offset, const float *mask, const struct sliding_window *window, float *columns);

// Adds the gradient of one channel to dx.
void deform_input_gradient(
    const float *columns_gradient, const float *offset, const float *mask, const struct sliding_window *window,
    float *dx);

// Writes the gradients of one cell's offsets (two planes) and mask (one plane), summed over channels; either may be
// NULL.
void deform_parameter_gradient(
    const float *x, const float *columns_gradient, int64_t channels, const float *offset, const float *mask,
    const struct sliding_window *window, int64_t cell, float *offset_gradient, float *mask_gradient);

#pragma GCC visibility pop

#endif
