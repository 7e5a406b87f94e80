#include "interpolation.h"

#include <string.h>

#include "simd.h"

static inline void weighted_row(
    const float *slice, float *restrict row, const int32_t *indices, const float *weights, int32_t count, size_t inner,
    float empty) {
  FAST_FLOAT_MATH
  if (count == 0) {
    for (size_t i = 0; i < inner; i++) row[i] = empty;
  } else if (count == 1 && weights[0] == 1) {
    memcpy(row, slice + (size_t)indices[0] * inner, inner * sizeof *row);
  } else if (count == 1) {
    const float u = weights[0], *a = slice + (size_t)indices[0] * inner;
    for (size_t i = 0; i < inner; i++) row[i] = u * a[i];
  } else {
    const float u = weights[0], *a = slice + (size_t)indices[0] * inner;
    const float v = weights[1], *b = slice + (size_t)indices[1] * inner;
    for (size_t i = 0; i < inner; i++) row[i] = u * a[i] + v * b[i];
    for (int32_t t = 2; t < count; t++) {
      const float w = weights[t], *c = slice + (size_t)indices[t] * inner;
      for (size_t i = 0; i < inner; i++) row[i] += w * c[i];
    }
  }
}

SIMD_KERNEL void interpolate_rows(
    const float *x, float *y, const int32_t *starts, const int32_t *indices, const float *weights, size_t inputs,
    size_t outputs, size_t inner, float empty, size_t first, size_t last) {
  FAST_FLOAT_MATH
  const float *slice = x + first / outputs * inputs * inner;
  size_t j = first % outputs;
  for (size_t row = first; row < last; row++) {
    int32_t start = starts[j], count = starts[j + 1] - start;
    if (inner == 1) {
      float sum = count == 0 ? empty : 0;
      for (int32_t t = start; t < start + count; t++) sum += weights[t] * slice[indices[t]];
      y[row] = sum;
    } else {
      weighted_row(slice, y + row * inner, indices + start, weights + start, count, inner, empty);
    }
    if (++j == outputs) {
      j = 0;
      slice += inputs * inner;
    }
  }
}

void spread_rows(
    const float *dy, float *dx, const int32_t *starts, const int32_t *indices, const float *weights, size_t inputs,
    size_t outputs, size_t first, size_t last) {
  for (size_t slice = first; slice < last; slice++) {
    const float *s = dy + slice * outputs;
    float *t = dx + slice * inputs;
    for (size_t j = 0; j < outputs; j++)
      for (int32_t tap = starts[j]; tap < starts[j + 1]; tap++) t[indices[tap]] += weights[tap] * s[j];
  }
}
