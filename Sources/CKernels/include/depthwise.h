#ifndef CKERNELS_DEPTHWISE_H
#define CKERNELS_DEPTHWISE_H

#include "packed_product.h"

#pragma GCC visibility push(hidden)

// The floats of scratch memory that `depthwise` and `depthwise_gradient` need, at an address that is a multiple of 64.
int64_t depthwise_scratch(const struct sliding_window *window);

// The planes of a result to compute, from images of `channels` planes, and the rows of each; an input plane has
// `per_input` filters. Nothing is read before `start` or from `end` on; with some room around the input, more of it is
// read in place.
struct depthwise_planes {
  int64_t first, last, channels, per_input, first_row, last_row;
  const float *start, *end;
};

// Planes of images convolved with one filter each: y = clamp(Σ filter × x + bias + residual, low, high). The bias is
// one number per channel, the residual is laid out like y; either may be NULL. Depth must be 1. The filters may be
// misaligned.
void depthwise(
    const float *x, const float *filters, const struct sliding_window *window,
    const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch);

// The gradient at x of a plane convolved with one filter, written or added.
void depthwise_gradient(
    const float *dy, const float *filter, const struct sliding_window *window, int add, float *dx, float *scratch);

#pragma GCC visibility pop

#endif
