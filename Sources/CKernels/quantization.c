#include "quantization.h"

#include <math.h>

// Beyond every bound of an integer type of up to 32 bits, and of its distance to a zero point.
static const float far = 8589934592.0f;

SIMD_KERNEL void quantize(
    const float *x, int64_t *y, size_t count, float scale, int64_t zero_point, int64_t low, int64_t high) {
  for (size_t i = 0; i < count; i++) {
    float value = rintf(x[i] / scale);
    value = value > -far ? value : -far;
    value = value < far ? value : far;
    int64_t integer = (int64_t)value + zero_point;
    integer = integer > low ? integer : low;
    y[i] = integer < high ? integer : high;
  }
}

SIMD_KERNEL void quantize_gradient(
    const float *x, const float *dy, float *dx, size_t count, float scale, int64_t zero_point, int64_t low,
    int64_t high) {
  const float first = (float)(low - zero_point), last = (float)(high - zero_point);
  for (size_t i = 0; i < count; i++) {
    const float value = rintf(x[i] / scale);
    dx[i] = value >= first && value <= last ? dy[i] / scale : 0;
  }
}

SIMD_KERNEL void dequantize(const int64_t *x, float *y, size_t count, float scale, int64_t zero_point) {
  for (size_t i = 0; i < count; i++) y[i] = (float)(x[i] - zero_point) * scale;
}

SIMD_KERNEL void scale_floats(const float *x, float *y, size_t count, float factor) {
  for (size_t i = 0; i < count; i++) y[i] = x[i] * factor;
}
