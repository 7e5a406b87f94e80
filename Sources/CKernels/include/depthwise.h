#ifndef CKERNELS_DEPTHWISE_H
#define CKERNELS_DEPTHWISE_H

#include "window.h"

// The floats of scratch memory that `depthwise` and `depthwise_gradient` need for one plane.
int64_t depthwise_scratch(const struct sliding_window *window);

// One plane convolved with one filter: y = clamp(Σ filter × x + bias, low, high). Depth must be 1.
void depthwise(
    const float *x, const float *filter, const struct sliding_window *window, float bias, float low, float high,
    float *y, float *scratch);

// The gradient at x of a plane convolved with one filter, written or added.
void depthwise_gradient(
    const float *dy, const float *filter, const struct sliding_window *window, int add, float *dx, float *scratch);

#endif
