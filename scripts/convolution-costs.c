// Measures what Sources/Ops/Kernels/ConvolutionCost.swift compares: single-thread nanoseconds per unit named there.
// Build and run with scripts/measure-convolution-costs.sh.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ckernels.h"

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e9 + t.tv_nsec;
}

static float *numbers(int64_t count) {
  float *to = aligned_alloc(64, (count * sizeof(float) + 4096) & ~(int64_t)63);
  for (int64_t i = 0; i < count + 960; i++) to[i] = (float)(i % 17) - 8;
  return to;
}

// The shortest of many runs.
#define MEASURE(...)                                 \
  ({                                                 \
    double best = INFINITY;                          \
    for (int run = 0; run < 50; run++) {             \
      const double start = now();                    \
      __VA_ARGS__;                                   \
      best = fmin(best, now() - start);              \
    }                                                \
    best;                                            \
  })

int main(void) {
  // 128 channels of 28 × 28, 3 × 3 filters: 7 rows of 7 tiles.
  enum { channels = 128, side = 28, rows = 7, span = 64, depth = 252 };
  const int64_t area = side * side, stride = channels * span + 16;
  struct tile_epilogue none = {0, NULL, NULL, 0, -INFINITY, INFINITY};
  float *x = numbers(channels * area), *y = numbers(channels * area), *v = numbers(36 * stride);
  float *weights = numbers(9 * channels * channels), *u = numbers(36 * (channels * channels + 16));
  float *packed = numbers(9 * channels * channels), *panel = numbers(depth * product_columns() * 2);
  const struct winograd_plane plane = {side, side, 1, 1, 7, winograd_slots(side, 1, 7, 4), 4};
  float *scratch = numbers(winograd_scratch(rows, plane.slots, 4));
  const struct sliding_window window = {
      {1, side, side}, {1, side, side}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1}, {0, 1, 1}};
  const struct depth_order order = {channels, 9, 28};
  const int64_t width = product_columns();
  const struct left_matrix left = {packed, depth, 1};

  const double product = MEASURE(multiply_panel(left, 0, channels, panel, width, depth, width, y, area, &none));
  printf("multiplyAdd    %.5f\n", product / (channels * depth * width));
  const double windows = MEASURE(pack_windows(x, &window, channels, 0, 28, 5 * side, width, panel));
  printf("window         %.5f\n", windows / (28 * 9 * width));
  const double input = MEASURE(for (int64_t c = 0; c < channels; c++) winograd_input(
      x + c * area, x + channels * area, &plane, 0, rows, v + c * span, stride, scratch));
  printf("inputCell      %.5f\n", input / (channels * 36.0 * span));
  const double output = MEASURE(for (int64_t c = 0; c < channels; c++) winograd_output(
      v + c * span, stride, &plane, 0, rows, &none, y + c * area, scratch));
  printf("outputCell     %.5f\n", output / (channels * 36.0 * span));
  const double transform = MEASURE(
      winograd_weights(4, weights, channels, channels, 9 * channels, 9, 0, 0, channels, u, channels * channels + 16));
  printf("weightCell     %.5f\n", transform / (channels * channels * 36.0));
  const double packing = MEASURE(pack_left(weights, 9 * channels, 9, &order, channels, 0, channels, packed));
  printf("weight         %.5f\n", packing / (channels * channels * 9.0));

  // The weights of many layers are not in the caches.
  const int64_t large = 1 << 26;
  float *memory = numbers(large);
  volatile float sum = 0;
  const double reading = MEASURE({
    float part[16] = {0};
    for (int64_t i = 0; i < large; i += 16)
      for (int j = 0; j < 16; j++) part[j] += memory[i + j];
    sum = sum + part[0];
  });
  printf("weightRead     %.5f\n", reading / large);
  return 0;
}
