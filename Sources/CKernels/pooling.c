#include "pooling.h"

#include <math.h>
#include <string.h>

#include "simd.h"

// A window is reduced over depth and height first, along whole rows, then over width.

// One row padded to the left and right with `empty`.
static inline int64_t padded_width(const struct sliding_window *w) {
  return (w->output[2] - 1) * w->stride[2] + (w->kernel[2] - 1) * w->dilation[2] + 1;
}

int64_t pooling_scratch(const struct sliding_window *w) {
  int64_t width = larger(padded_width(w), w->pad[2] + w->input[2]);
  return width + w->output[2];
}

static inline int inside(int64_t coordinate, int64_t extent) { return coordinate >= 0 && coordinate < extent; }

// Writes NaN where either is, else the larger.
static inline float larger_value(float a, float b) { return a > b || a != a ? a : b; }

SIMD_KERNEL void max_pool(const float *x, const struct sliding_window *window, float *y, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t width = w.input[2], wide = larger(padded_width(&w), w.pad[2] + width);
  for (int64_t row = 0; row < w.output[0] * w.output[1]; row++, y += w.output[2]) {
    for (int64_t i = 0; i < wide; i++) scratch[i] = -INFINITY;
    float *restrict middle = scratch + w.pad[2];
    for (int64_t kd = 0; kd < w.kernel[0]; kd++)
      for (int64_t kh = 0; kh < w.kernel[1]; kh++) {
        int64_t d = window_origin(&w, 0, row / w.output[1]) + kd * w.dilation[0];
        int64_t h = window_origin(&w, 1, row % w.output[1]) + kh * w.dilation[1];
        if (!inside(d, w.input[0]) || !inside(h, w.input[1])) continue;
        const float *restrict from = x + (d * w.input[1] + h) * width;
        for (int64_t i = 0; i < width; i++) middle[i] = larger_value(from[i], middle[i]);
      }
    for (int64_t kw = 0; kw < w.kernel[2]; kw++) {
      const float *restrict from = scratch + kw * w.dilation[2];
      float *restrict to = y;
      if (kw == 0) {
        for (int64_t o = 0; o < w.output[2]; o++) to[o] = from[o * w.stride[2]];
      } else if (w.stride[2] == 1) {
        for (int64_t o = 0; o < w.output[2]; o++) to[o] = larger_value(from[o], to[o]);
      } else if (w.stride[2] == 2) {
        for (int64_t o = 0; o < w.output[2]; o++) to[o] = larger_value(from[o * 2], to[o]);
      } else {
        for (int64_t o = 0; o < w.output[2]; o++) to[o] = larger_value(from[o * w.stride[2]], to[o]);
      }
    }
  }
}

void max_pool_offsets(const float *x, const struct sliding_window *window, int64_t *offsets) {
  const struct sliding_window w = *window;
  for (int64_t od = 0; od < w.output[0]; od++)
    for (int64_t oh = 0; oh < w.output[1]; oh++)
      for (int64_t ow = 0; ow < w.output[2]; ow++) {
        int64_t best = -1;
        float value = -INFINITY;
        for (int64_t kd = 0; kd < w.kernel[0]; kd++)
          for (int64_t kh = 0; kh < w.kernel[1]; kh++)
            for (int64_t kw = 0; kw < w.kernel[2]; kw++) {
              int64_t d = window_origin(&w, 0, od) + kd * w.dilation[0];
              int64_t h = window_origin(&w, 1, oh) + kh * w.dilation[1];
              int64_t i = window_origin(&w, 2, ow) + kw * w.dilation[2];
              if (!inside(d, w.input[0]) || !inside(h, w.input[1]) || !inside(i, w.input[2])) continue;
              int64_t offset = (d * w.input[1] + h) * w.input[2] + i;
              if (best < 0 || x[offset] > value || x[offset] != x[offset]) best = offset, value = x[offset];
            }
        *offsets++ = best;
      }
}

// The cells of a window that count along one axis.
static inline int64_t counted(const struct sliding_window *w, int axis, int64_t output, int include_pad) {
  int64_t origin = window_origin(w, axis, output);
  int64_t low = include_pad ? -w->pad[axis] : 0, high = w->input[axis] + (include_pad ? w->pad_end[axis] : 0);
  int64_t count = 0;
  for (int64_t k = 0; k < w->kernel[axis]; k++) {
    int64_t at = origin + k * w->dilation[axis];
    count += at >= low && at < high;
  }
  return count;
}

SIMD_KERNEL void average_pool(
    const float *x, const struct sliding_window *window, int include_pad, float *y, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t width = w.input[2], wide = larger(padded_width(&w), w.pad[2] + width);
  float *restrict share = scratch + wide;
  for (int64_t o = 0; o < w.output[2]; o++) share[o] = (float)counted(&w, 2, o, include_pad);
  for (int64_t row = 0; row < w.output[0] * w.output[1]; row++, y += w.output[2]) {
    memset(scratch, 0, wide * sizeof(float));
    float *restrict middle = scratch + w.pad[2];
    const int64_t od = row / w.output[1], oh = row % w.output[1];
    for (int64_t kd = 0; kd < w.kernel[0]; kd++)
      for (int64_t kh = 0; kh < w.kernel[1]; kh++) {
        int64_t d = window_origin(&w, 0, od) + kd * w.dilation[0], h = window_origin(&w, 1, oh) + kh * w.dilation[1];
        if (!inside(d, w.input[0]) || !inside(h, w.input[1])) continue;
        const float *restrict from = x + (d * w.input[1] + h) * width;
        for (int64_t i = 0; i < width; i++) middle[i] += from[i];
      }
    const float rows = (float)(counted(&w, 0, od, include_pad) * counted(&w, 1, oh, include_pad));
    float *restrict to = y;
    for (int64_t o = 0; o < w.output[2]; o++) to[o] = 0;
    for (int64_t kw = 0; kw < w.kernel[2]; kw++) {
      const float *restrict from = scratch + kw * w.dilation[2];
      if (w.stride[2] == 1) {
        for (int64_t o = 0; o < w.output[2]; o++) to[o] += from[o];
      } else {
        for (int64_t o = 0; o < w.output[2]; o++) to[o] += from[o * w.stride[2]];
      }
    }
    for (int64_t o = 0; o < w.output[2]; o++) to[o] /= rows * share[o];
  }
}

void average_pool_gradient(const float *dy, const struct sliding_window *window, int include_pad, float *dx) {
  const struct sliding_window w = *window;
  for (int64_t od = 0; od < w.output[0]; od++)
    for (int64_t oh = 0; oh < w.output[1]; oh++) {
      const int64_t rows = counted(&w, 0, od, include_pad) * counted(&w, 1, oh, include_pad);
      for (int64_t ow = 0; ow < w.output[2]; ow++, dy++) {
        const float share = *dy / (float)(rows * counted(&w, 2, ow, include_pad));
        for (int64_t kd = 0; kd < w.kernel[0]; kd++)
          for (int64_t kh = 0; kh < w.kernel[1]; kh++)
            for (int64_t kw = 0; kw < w.kernel[2]; kw++) {
              int64_t d = window_origin(&w, 0, od) + kd * w.dilation[0];
              int64_t h = window_origin(&w, 1, oh) + kh * w.dilation[1];
              int64_t i = window_origin(&w, 2, ow) + kw * w.dilation[2];
              if (inside(d, w.input[0]) && inside(h, w.input[1]) && inside(i, w.input[2]))
                dx[(d * w.input[1] + h) * w.input[2] + i] += share;
            }
      }
    }
}

SIMD_KERNEL void mean_of_rows(const float *x, int64_t rows, int64_t columns, float *y) {
  FAST_FLOAT_MATH
  for (int64_t r = 0; r < rows; r++, x += columns) {
    float sum = 0;
    for (int64_t i = 0; i < columns; i++) sum += x[i];
    y[r] = sum / (float)columns;
  }
}

// Runs `body` with `at` the offset of every element in the window of output (od, oh, ow).
#define FOR_EACH_CELL(w, od, oh, ow, body) \
  for (int64_t kd = 0; kd < (w).kernel[0]; kd++) \
    for (int64_t kh = 0; kh < (w).kernel[1]; kh++) { \
      const int64_t d = window_origin(&(w), 0, od) + kd * (w).dilation[0]; \
      const int64_t h = window_origin(&(w), 1, oh) + kh * (w).dilation[1]; \
      if (!inside(d, (w).input[0]) || !inside(h, (w).input[1])) continue; \
      for (int64_t kw = 0; kw < (w).kernel[2]; kw++) { \
        const int64_t c = window_origin(&(w), 2, ow) + kw * (w).dilation[2]; \
        if (!inside(c, (w).input[2])) continue; \
        const int64_t at = (d * (w).input[1] + h) * (w).input[2] + c; \
        body; \
      } \
    }

void lp_pool(const float *x, const struct sliding_window *window, float p, float *y) {
  const struct sliding_window w = *window;
  for (int64_t od = 0; od < w.output[0]; od++)
    for (int64_t oh = 0; oh < w.output[1]; oh++)
      for (int64_t ow = 0; ow < w.output[2]; ow++) {
        double sum = 0;
        if (p == 2) {
          FOR_EACH_CELL(w, od, oh, ow, sum += (double)x[at] * x[at])
          *y++ = (float)sqrt(sum);
        } else {
          FOR_EACH_CELL(w, od, oh, ow, sum += pow(fabs((double)x[at]), p))
          *y++ = (float)pow(sum, 1.0 / p);
        }
      }
}

void lp_pool_gradient(
    const float *x, const float *y, const float *dy, const struct sliding_window *window, float p, float *dx) {
  const struct sliding_window w = *window;
  for (int64_t od = 0; od < w.output[0]; od++)
    for (int64_t oh = 0; oh < w.output[1]; oh++)
      for (int64_t ow = 0; ow < w.output[2]; ow++, y++, dy++) {
        if (*y == 0) continue;
        FOR_EACH_CELL(w, od, oh, ow, {
          const float ratio = x[at] / *y;
          const float power = p == 2 ? ratio : copysignf(powf(fabsf(ratio), p - 1), ratio);
          if (x[at] != 0) dx[at] += *dy * power;
        })
      }
}
