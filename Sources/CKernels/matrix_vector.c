#include "matrix_vector.h"

#include "simd.h"

enum { lanes = 16, unroll = 4 * lanes };

SIMD_KERNEL void matrix_times_vector(
    const float *matrix, int64_t columns, const float *x, int64_t first, int64_t last, float *y) {
  FAST_FLOAT_MATH
  for (int64_t r = first; r < last; r++) {
    const unaligned_float *row = (const unaligned_float *)(matrix + r * columns);
    float sum[unroll];
    for (int j = 0; j < unroll; j++) sum[j] = 0;
    int64_t c = 0;
    for (; c + unroll <= columns; c += unroll)
      for (int j = 0; j < unroll; j++) sum[j] += row[c + j] * x[c + j];
    float rest = 0;
    for (; c < columns; c++) rest += row[c] * x[c];
    for (int j = 0; j < unroll; j++) rest += sum[j];
    y[r] = rest;
  }
}

SIMD_KERNEL void vector_times_matrix(
    const float *x, const float *matrix, int64_t rows, int64_t columns, int64_t first, int64_t last, float *y) {
  for (int64_t c = first; c < last; c++) y[c] = 0;
  for (int64_t r = 0; r < rows; r++) {
    const float scale = x[r];
    if (scale == 0) continue;
    const unaligned_float *row = (const unaligned_float *)(matrix + r * columns);
    for (int64_t c = first; c < last; c++) y[c] += scale * row[c];
  }
}
