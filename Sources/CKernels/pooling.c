#include "pooling.h"

#include <math.h>
#include <string.h>

#include "chunk.h"

// A window is reduced over depth and height first, along whole rows, then over width.

// One row padded to the left and right with `empty`, and with room for whole chunks.
static inline int64_t padded_width(const struct sliding_window *w) {
  const int64_t reach = (w->output[2] + chunk) * w->stride[2] + (w->kernel[2] - 1) * w->dilation[2];
  return larger(reach, w->pad[2] + w->input[2]) + chunk;
}

static inline int64_t share_count(const struct sliding_window *w) { return w->output[2] + chunk; }

int64_t pooling_scratch(const struct sliding_window *w) {
  const int64_t pointers = w->kernel[0] * w->kernel[1] * (int64_t)(sizeof(float *) / sizeof(float));
  return ((padded_width(w) + share_count(w) + 1) & ~(int64_t)1) + pointers;
}

// The place of the row pointers in scratch memory.
static inline const float **row_pointers(const struct sliding_window *w, float *scratch) {
  return (const float **)(scratch + ((padded_width(w) + share_count(w) + 1) & ~(int64_t)1));
}

static inline int inside(int64_t coordinate, int64_t extent) { return coordinate >= 0 && coordinate < extent; }

// The coordinates of a window, [first, last), whose inputs along an axis lie inside.
static inline void covered_cells(
    const struct sliding_window *w, int axis, int64_t output, int64_t *first, int64_t *last) {
  const int64_t origin = window_origin(w, axis, output);
  *first = smaller(larger(divide_up(-origin, w->dilation[axis]), 0), w->kernel[axis]);
  *last = larger(smaller(divide_up(w->input[axis] - origin, w->dilation[axis]), w->kernel[axis]), *first);
}

// NaN if either is, else the larger.
#define LARGER(a, b) CHOOSE(chunk_vector, ((a) > (b)) | ((a) != (a)), a, b)
#define LARGER_FLOAT(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define SUM(a, b) ((a) + (b))

// Pools one output row at (od, oh): `scratch` holds a row filled with `empty`, `middle` points at its first element.
// `finish` computes the result from the chunk `value` at column `column`.
#define POOL_ROW(empty, combine, combine_float, finish)                                                           \
  do {                                                                                                            \
    int64_t d_first, d_last, h_first, h_last;                                                                     \
    covered_cells(&w, 0, od, &d_first, &d_last);                                                                  \
    covered_cells(&w, 1, oh, &h_first, &h_last);                                                                  \
    const int64_t d = window_origin(&w, 0, od), h = window_origin(&w, 1, oh);                                     \
    int64_t count = 0;                                                                                            \
    for (int64_t kd = d_first; kd < d_last; kd++)                                                                 \
      for (int64_t kh = h_first; kh < h_last; kh++)                                                               \
        rows_read[count++] = x + ((d + kd * w.dilation[0]) * w.input[1] + h + kh * w.dilation[1]) * width;        \
    if (width >= chunk && count > 0) {                                                                            \
      for (int64_t i = 0; i < width; i += chunk) {                                                                \
        /* The last chunk of a row overlaps the one before. */                                                    \
        const int64_t at = smaller(i, width - chunk);                                                             \
        chunk_vector value = LOAD(rows_read[0] + at);                                                             \
        for (int64_t r = 1; r < count; r++) value = combine(LOAD(rows_read[r] + at), value);                      \
        STORE(middle + at, value);                                                                                \
      }                                                                                                           \
    } else {                                                                                                      \
      for (int64_t i = 0; i < width; i++) {                                                                       \
        float value = (empty);                                                                                    \
        for (int64_t r = 0; r < count; r++) value = combine_float(rows_read[r][i], value);                        \
        middle[i] = value;                                                                                        \
      }                                                                                                           \
    }                                                                                                             \
    for (int64_t o = 0; o < wide; o += chunk) {                                                                   \
      const int64_t column = larger(smaller(o, wide - chunk), 0);                                                 \
      chunk_vector value = (chunk_vector){0} + (empty);                                                           \
      for (int64_t kw = 0; kw < w.kernel[2]; kw++) {                                                              \
        const float *from = scratch + kw * w.dilation[2] + column * w.stride[2];                                  \
        chunk_vector next;                                                                                        \
        if (w.stride[2] == 1) {                                                                                   \
          next = LOAD(from);                                                                                      \
        } else if (w.stride[2] == 2) {                                                                            \
          const chunk_vector a = LOAD(from), b = LOAD(from + chunk);                                              \
          next = EVERY_SECOND(a, b, 0);                                                                           \
        } else {                                                                                                  \
          for (int j = 0; j < chunk; j++) next[j] = from[j * w.stride[2]];                                        \
        }                                                                                                         \
        value = combine(next, value);                                                                             \
      }                                                                                                           \
      value = finish;                                                                                             \
      if (wide >= chunk || to + chunk <= y + area) {                                                              \
        /* The excess of a narrow row is overwritten by the next one. */                                          \
        STORE(to + column, value);                                                                                \
      } else {                                                                                                    \
        for (int64_t j = 0; j < wide; j++) to[j] = value[j];                                                      \
      }                                                                                                           \
    }                                                                                                             \
  } while (0)

WIDE_SIMD_KERNEL void max_pool(const float *x, const struct sliding_window *window, float *y, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t width = w.input[2], wide = w.output[2], area = volume(w.output);
  float *middle = scratch + w.pad[2], *to = y;
  const float **rows_read = row_pointers(&w, scratch);
  for (int64_t i = 0; i < padded_width(&w); i++) scratch[i] = -INFINITY;
  for (int64_t od = 0; od < w.output[0]; od++)
    for (int64_t oh = 0; oh < w.output[1]; oh++, to += wide)
      POOL_ROW(-INFINITY, LARGER, LARGER_FLOAT, value);
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

WIDE_SIMD_KERNEL void average_pool(
    const float *x, const struct sliding_window *window, int include_pad, float *y, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t width = w.input[2], wide = w.output[2], area = volume(w.output);
  float *middle = scratch + w.pad[2], *share = scratch + padded_width(&w), *to = y;
  const float **rows_read = row_pointers(&w, scratch);
  memset(scratch, 0, padded_width(&w) * sizeof(float));
  for (int64_t o = 0; o < wide; o++) share[o] = (float)counted(&w, 2, o, include_pad);
  for (int64_t od = 0; od < w.output[0]; od++)
    for (int64_t oh = 0; oh < w.output[1]; oh++, to += wide) {
      const float rows = (float)(counted(&w, 0, od, include_pad) * counted(&w, 1, oh, include_pad));
      POOL_ROW(0.0f, SUM, SUM, value / (LOAD(share + column) * rows));
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
