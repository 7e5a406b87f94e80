#include "col2im.h"

#include "simd.h"

// What is done to a row of columns and the row of x under it, null outside of x: outputs first … last have an element
// there, step apart.
typedef void row_transfer(float *columns, float *x, int64_t first, int64_t last, int64_t wide, int64_t step);

// Visits every row of columns: one kernel cell at the output positions of one row.
SIMD_INLINE void each_row(
    float *columns, float *x, int64_t channels, const struct sliding_window *window, row_transfer transfer) {
  const struct sliding_window w = *window;
  const int64_t height = w.input[1], width = w.input[2], plane = volume(w.input), wide = w.output[2];
  for (int64_t c = 0; c < channels; c++)
    for (int64_t kd = 0; kd < w.kernel[0]; kd++)
      for (int64_t kh = 0; kh < w.kernel[1]; kh++)
        for (int64_t kw = 0; kw < w.kernel[2]; kw++) {
          int64_t first, last;
          covered_outputs(&w, 2, kw, &first, &last);
          for (int64_t row = 0; row < w.output[0] * w.output[1]; row++, columns += wide) {
            int64_t d = window_origin(&w, 0, row / w.output[1]) + kd * w.dilation[0];
            int64_t h = window_origin(&w, 1, row % w.output[1]) + kh * w.dilation[1];
            const int is_outside = d < 0 || d >= w.input[0] || h < 0 || h >= height;
            float *under = is_outside ? 0 : x + c * plane + (d * height + h) * width + kw * w.dilation[2] - w.pad[2];
            transfer(columns, under, first, last, wide, w.stride[2]);
          }
        }
}

SIMD_INLINE void add_row(float *columns, float *x, int64_t first, int64_t last, int64_t wide, int64_t step) {
  (void)wide;
  if (!x) return;
  for (int64_t o = first; o < last; o++) x[o * step] += columns[o];
}

SIMD_INLINE void copy_row(float *columns, float *x, int64_t first, int64_t last, int64_t wide, int64_t step) {
  for (int64_t o = 0; o < wide; o++) columns[o] = 0;
  if (!x) return;
  for (int64_t o = first; o < last; o++) columns[o] = x[o * step];
}

SIMD_KERNEL void col2im(const float *columns, int64_t channels, const struct sliding_window *window, float *x) {
  each_row((float *)columns, x, channels, window, add_row);
}

SIMD_KERNEL void im2col(const float *x, int64_t channels, const struct sliding_window *window, float *columns) {
  each_row(columns, (float *)x, channels, window, copy_row);
}
