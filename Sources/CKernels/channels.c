#include "channels.h"

#include "vectormath.h"

SIMD_INLINE size_t plane_end(size_t plane, size_t area, size_t last) {
  const size_t end = (plane + 1) * area;
  return end < last ? end : last;
}

SIMD_KERNEL void scale_channels(
  const float *x, float *y, size_t first, size_t last, struct channel_planes planes, const float *factor,
  const float *shift, float low, float high) {
  for (size_t end; first < last; first = end) {
    const size_t plane = first / planes.area;
    const float a = factor[plane % planes.channels], b = shift[plane % planes.channels];
    end = plane_end(plane, planes.area, last);
    INDEPENDENT_ITERATIONS for (size_t i = first; i < end; i++) y[i] = clamped(x[i] * a + b, low, high);
  }
}

SIMD_KERNEL void scale_channels_gradient(
  const float *y, const float *dy, float *dx, size_t first, size_t last, struct channel_planes planes,
  const float *factor, float low, float high) {
  for (size_t end; first < last; first = end) {
    const size_t plane = first / planes.area;
    const float a = factor[plane % planes.channels];
    end = plane_end(plane, planes.area, last);
    INDEPENDENT_ITERATIONS for (size_t i = first; i < end; i++) dx[i] = y[i] > low && y[i] < high ? dy[i] * a : 0;
  }
}
