#include "epilogue.h"

#include "simd.h"

SIMD_KERNEL void add_bias_and_clamp(
    float *y, int64_t rows, int64_t columns, int64_t leading, const float *bias, float low, float high) {
  for (int64_t r = 0; r < rows; r++, y += leading) {
    const float b = bias ? bias[r] : 0;
    for (int64_t i = 0; i < columns; i++) {
      float value = y[i] + b;
      value = value < low ? low : value;
      y[i] = value > high ? high : value;
    }
  }
}

SIMD_KERNEL void clamp_gradient(const float *y, const float *dy, float low, float high, float *dx, int64_t count) {
  for (int64_t i = 0; i < count; i++) dx[i] = y[i] > low && y[i] < high ? dy[i] : 0;
}
