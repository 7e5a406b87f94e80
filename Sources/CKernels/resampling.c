#include "resampling.h"

#include <string.h>

#include "simd.h"

// The samples of a pixel, and one that does not count.
typedef uint8_t pixel __attribute__((vector_size(4)));
typedef int32_t pixel_sums __attribute__((vector_size(16)));

enum { half = 1 << (resampling_precision - 1) };

SIMD_KERNEL void resample_pixels(
    const uint8_t *row, const int32_t *starts, const int32_t *ends, const int32_t *weights, size_t outputs,
    uint8_t *to) {
  for (size_t x = 0; x < outputs; x++, to += 3) {
    const uint8_t *from = row + 3 * (size_t)starts[x];
    pixel_sums sums = {half, half, half, half};
    for (int32_t t = ends[x]; t < ends[x + 1]; t++, from += 3) {
      pixel samples;
      memcpy(&samples, from, sizeof samples);
      sums += __builtin_convertvector(samples, pixel_sums) * weights[t];
    }
    const pixel_sums whole = sums >> resampling_precision, positive = whole & ~(whole >> 31);
    const pixel samples = __builtin_convertvector(positive | (255 - positive) >> 31, pixel);
    memcpy(to, &samples, 3);
  }
}

SIMD_KERNEL void weigh_rows(
    const uint8_t *rows, const int32_t *weights, size_t taps, size_t count, int32_t *restrict sums,
    uint8_t *restrict to) {
  for (size_t i = 0; i < count; i++) sums[i] = half;
  for (size_t t = 0; t < taps; t++, rows += count)
    for (size_t i = 0; i < count; i++) sums[i] += rows[i] * weights[t];
  for (size_t i = 0; i < count; i++) {
    const int32_t whole = sums[i] >> resampling_precision;
    to[i] = (uint8_t)(whole < 0 ? 0 : whole > 255 ? 255 : whole);
  }
}
