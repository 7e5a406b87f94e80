// Functions of planes: the elements of one channel of one image.
#ifndef CKERNELS_CHANNELS_H
#define CKERNELS_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

#include "simd.h"

#pragma GCC visibility push(hidden)

// The extents of a dense tensor of images × channels × positions in a plane.
struct channel_planes {
  size_t channels, area;
};

// y = clamp(x·factor + shift, low, high) with the factor and shift of each channel, NaN kept, for the elements
// first ..< last; x and y may be the same.
void scale_channels(
  const float *x, float *y, size_t first, size_t last, struct channel_planes planes, const float *factor,
  const float *shift, float low, float high);

// Its gradient dx = dy·factor where y lies between the bounds, 0 at them; dy and dx may be the same.
void scale_channels_gradient(
  const float *y, const float *dy, float *dx, size_t first, size_t last, struct channel_planes planes,
  const float *factor, float low, float high);

// The number of planes that hold anything but zeros, and the first `limit` of them; more than `limit` are not counted on.
int64_t planes_with_values(const float *x, int64_t planes, int64_t area, int64_t *found, int64_t limit);

#pragma GCC visibility pop

#endif
