#include "channels.h"

#include <string.h>

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

// Whether any of some elements is not 0, either of whose signs is.
SIMD_INLINE int has_values(const float *x, int64_t count) {
  enum { step = 64 };
  int64_t i = 0;
  for (; i + step <= count; i += step) {
    uint32_t bits[step], any = 0;
    memcpy(bits, x + i, sizeof bits);
    for (int j = 0; j < step; j++) any |= bits[j] << 1;
    if (any) return 1;
  }
  for (; i < count; i++)
    if (x[i] != 0) return 1;
  return 0;
}

SIMD_KERNEL int64_t planes_with_values(const float *x, int64_t planes, int64_t area, int64_t *found, int64_t limit) {
  int64_t count = 0;
  for (int64_t plane = 0; plane < planes && count <= limit; plane++, x += area) {
    if (!has_values(x, area)) continue;
    if (count < limit) found[count] = plane;
    count++;
  }
  return count;
}
