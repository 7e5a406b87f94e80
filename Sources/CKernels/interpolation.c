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

// Elements first ..< last of one slice with inner = 1.
static inline void weighted_elements(
    const float *slice, float *restrict y, const int32_t *starts, const int32_t *indices, const float *weights,
    int32_t taps, float empty, size_t first, size_t last) {
  FAST_FLOAT_MATH
  if (taps == 1) {
    for (size_t j = first; j < last; j++) y[j] = weights[j] * slice[indices[j]];
  } else if (taps == 2) {
    for (size_t j = first; j < last; j++)
      y[j] = weights[2 * j] * slice[indices[2 * j]] + weights[2 * j + 1] * slice[indices[2 * j + 1]];
  } else {
    for (size_t j = first; j < last; j++) {
      float sum = starts[j] == starts[j + 1] ? empty : 0;
      for (int32_t t = starts[j]; t < starts[j + 1]; t++) sum += weights[t] * slice[indices[t]];
      y[j] = sum;
    }
  }
}

SIMD_KERNEL void interpolate_rows(
    const float *x, float *y, const int32_t *starts, const int32_t *indices, const float *weights, int32_t taps,
    size_t inputs, size_t outputs, size_t inner, float empty, size_t first, size_t last) {
  const float *slice = x + first / outputs * inputs * inner;
  float *result = y + first / outputs * outputs * inner;
  size_t j = first % outputs;
  for (size_t rest = last - first; rest > 0;) {
    size_t end = outputs - j < rest ? outputs : j + rest;
    rest -= end - j;
    if (inner == 1) {
      weighted_elements(slice, result, starts, indices, weights, taps, empty, j, end);
    } else {
      for (; j < end; j++)
        weighted_row(
            slice, result + j * inner, indices + starts[j], weights + starts[j], starts[j + 1] - starts[j], inner,
            empty);
    }
    j = 0;
    slice += inputs * inner;
    result += outputs * inner;
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
