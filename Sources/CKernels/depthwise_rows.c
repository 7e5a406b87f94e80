#include "depthwise_rows.h"

#include <string.h>

// One or two chunks of columns are followed down the plane: each row of the input is read once for each column of the
// filter, and added to all rows of the result that it belongs to. What lies beside a row is masked.
enum { longest_side = 7 };

static inline int64_t chunk_count(const struct sliding_window *w) { return (w->output[2] + chunk - 1) / chunk; }

// How far reads may go beyond a plane.
static inline int64_t margin(const struct sliding_window *w) {
  return w->pad[2] + w->kernel[2] * w->dilation[2] + 2 * chunk * w->stride[2];
}

int64_t depthwise_rows_scratch(const struct sliding_window *w) {
  return chunk_count(w) * w->kernel[2] * chunk + w->input[1] * w->input[2] + 2 * margin(w);
}

// For every chunk of a row and column of the filter, a mask of the positions inside the image.
__attribute__((noinline)) static void make_masks(const struct sliding_window *w, int32_t *mask) {
  for (int64_t index = 0; index < chunk_count(w); index++)
    for (int64_t kx = 0; kx < w->kernel[2]; kx++)
      for (int64_t i = 0; i < chunk; i++) {
        const int64_t at = (row_chunk_start(w, index) + i) * w->stride[2] + kx * w->dilation[2] - w->pad[2];
        *mask++ = at >= 0 && at < w->input[2] ? -1 : 0;
      }
}

// Whether all positions of some chunks are inside the image, for all columns of the filter.
static inline int is_inside(const struct sliding_window *w, int64_t column, int64_t chunks) {
  const int64_t first = column * w->stride[2] - w->pad[2];
  const int64_t last = first + (chunks * chunk - 1) * w->stride[2] + (w->kernel[2] - 1) * w->dilation[2];
  return first >= 0 && last < w->input[2];
}

// A plane of the input and of the result.
struct plane {
  const float *x, *weights, *residual;
  float bias, low, high, *y;
  int64_t last_row;
  int64_t room;  // the floats of y that may be written
};

// The first elements of a chunk with their epilogue, where there is no room for all of it. Rare, so a short loop: a call
// would have the sums of the loop around it in memory.
SIMD_INLINE void finish_part(const float *from, int64_t count, const float *residual, float low, float high, float *to) {
  _Pragma("clang loop vectorize(disable) unroll(disable)") for (int64_t i = 0; i < count; i++) {
    float value = from[i];
    if (residual) value += residual[i];
    value = value < low ? low : value;
    to[i] = value > high ? high : value;
  }
}

#define NEXT_ROW(i)                                              \
  if (i + 1 < live)                                              \
    for (int c = 0; c < chunks; c++) sum[i][c] = sum[i + 1][c]
#define EACH_CHUNK _Pragma("clang loop unroll(full)") for (int c = 0; c < chunks; c++)

// Every `step`-th row from `first` on, which share no input with those in between, of `chunks` chunks of columns from
// `column` on: the step is the dilation.
SIMD_INLINE void follow_columns(
    const struct sliding_window *w, int side, int stride, int dilated, int chunks, const struct plane *plane,
    const mask_vector *masks, int64_t column, int64_t first) {
  // The rows of the result that a row of the input belongs to.
  const int live = (side + stride - 1) / stride;
  chunk_vector sum[longest_side][2];
  _Pragma("clang loop unroll(full)") for (int i = 0; i < live; i++)
    EACH_CHUNK sum[i][c] = (chunk_vector){0} + plane->bias;
  const int64_t width = w->output[2], step = dilated ? w->dilation[1] : 1, tap = dilated ? w->dilation[2] : 1;
  for (int64_t row = first - (live - 1) * step; row < plane->last_row; row += step) {
    _Pragma("clang loop unroll(full)") for (int ky = side - stride; ky < side; ky++) {
      const int64_t h = row * stride + ky * step - w->pad[1];
      if ((uint64_t)h >= (uint64_t)w->input[1]) continue;
      const float *from = plane->x + h * w->input[2] + column * stride - w->pad[2];
      chunk_vector a[2], b[2];
      _Pragma("clang loop unroll(full)") for (int kx = 0; kx < side; kx++) EACH_CHUNK {
        const float *at = from + kx * tap + c * chunk * stride;
        chunk_vector value;
        if (stride == 1) {
          value = LOAD(at);
        } else if (kx % 2 == 0) {
          a[c] = LOAD(at), b[c] = LOAD(at + chunk);
          value = EVERY_SECOND(a[c], b[c], 0);
        } else {
          value = EVERY_SECOND(a[c], b[c], 1);
        }
        if (masks) value = (chunk_vector)((mask_vector)value & masks[c * side + kx]);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < live; i++)
            if (ky - i * stride >= 0) sum[i][c] += plane->weights[(ky - i * stride) * side + kx] * value;
      }
    }
    if (row >= first) EACH_CHUNK {
      const int64_t at = row * width + column + c * chunk;
      const float low = plane->low, high = plane->high, *residual = plane->residual ? plane->residual + at : NULL;
      if (at + chunk <= plane->room) {
        chunk_vector value = sum[0][c];
        if (residual) value += LOAD(residual);
        value = CHOOSE(chunk_vector, low > value, (chunk_vector){0} + low, value);
        STORE(plane->y + at, CHOOSE(chunk_vector, high < value, (chunk_vector){0} + high, value));
      } else {
        float last[chunk];
        STORE(last, sum[0][c]);
        finish_part(last, smaller(width, chunk), residual, low, high, plane->y + at);
      }
    }
    // A loop would become a call that moves memory.
    NEXT_ROW(0);
    NEXT_ROW(1);
    NEXT_ROW(2);
    NEXT_ROW(3);
    NEXT_ROW(4);
    NEXT_ROW(5);
    EACH_CHUNK sum[live - 1][c] = (chunk_vector){0} + plane->bias;
  }
}

// The planes of a result, with one size of filter.
SIMD_INLINE void follow_planes(
    const float *x, const float *filters, const struct sliding_window *window, int side, int stride,
    int dilated, const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t input_area = w.input[1] * w.input[2], width = w.output[2], area = w.output[1] * width;
  const int64_t interleaved = dilated ? w.dilation[1] : 1;
  const int whole = planes->first_row == 0 && planes->last_row == w.output[1];
  mask_vector *masks = (mask_vector *)scratch;
  float *own = scratch + chunk_count(&w) * side * chunk + margin(&w);
  make_masks(&w, (int32_t *)masks);
  float weights[longest_side * longest_side];
  struct plane plane = {
      .weights = weights, .low = epilogue->low, .high = epilogue->high, .last_row = planes->last_row};
  for (int64_t index = planes->first; index < planes->last; index++) {
    const int64_t channel = index % planes->channels;
    plane.x = x + index / planes->per_input * input_area;
    plane.residual = epilogue->residual ? epilogue->residual + index * area : NULL;
    plane.y = y + index * area;
    plane.bias = epilogue->bias ? epilogue->bias[channel] : 0;
    // The excess of a narrow row is overwritten by the next row, that of the last row by the next plane.
    plane.room = whole ? (planes->last - index) * area : planes->last_row * width;
    if (width < chunk && interleaved > 1) plane.room = 0;
    if (plane.x - margin(&w) < planes->start || plane.x + input_area + margin(&w) > planes->end) {
      memcpy(own, plane.x, input_area * sizeof(float));
      plane.x = own;
    }
    const unaligned_float *filter = (const unaligned_float *)(filters + channel * side * side);
    for (int t = 0; t < side * side; t++) weights[t] = filter[t];
    for (int64_t next = 0, count; next < chunk_count(&w); next += count) {
      const int64_t column = row_chunk_start(&w, next);
      count = (next + 2) * chunk <= width ? 2 : 1;
      const mask_vector *needed = is_inside(&w, column, count) ? NULL : masks + next * side;
      for (int64_t i = 0; i < interleaved; i++) {
        const int64_t row = planes->first_row + i;
        if (count == 2 && needed) follow_columns(&w, side, stride, dilated, 2, &plane, needed, column, row);
        if (count == 2 && !needed) follow_columns(&w, side, stride, dilated, 2, &plane, NULL, column, row);
        if (count == 1) follow_columns(&w, side, stride, dilated, 1, &plane, masks + next * side, column, row);
      }
    }
  }
}

#define FOLLOW(name, side, stride, dilated)                                                                      \
  WIDE_SIMD_KERNEL static void name(                                                                             \
      const float *x, const float *filters, const struct sliding_window *window,                                 \
      const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch) {   \
    follow_planes(x, filters, window, side, stride, dilated, planes, epilogue, y, scratch);                      \
  }
FOLLOW(follow_2_strided, 2, 2, 0)
FOLLOW(follow_3, 3, 1, 0)
FOLLOW(follow_3_strided, 3, 2, 0)
FOLLOW(follow_3_dilated, 3, 1, 1)
FOLLOW(follow_5, 5, 1, 0)
FOLLOW(follow_5_strided, 5, 2, 0)
FOLLOW(follow_5_dilated, 5, 1, 1)
FOLLOW(follow_7, 7, 1, 0)
FOLLOW(follow_7_strided, 7, 2, 0)
FOLLOW(follow_7_dilated, 7, 1, 1)

typedef void (*kernel)(
    const float *, const float *, const struct sliding_window *, const struct depthwise_planes *,
    const struct tile_epilogue *, float *, float *);

// The kernel for a window; NULL if there is none.
static kernel kernel_for(const struct sliding_window *w) {
  enum { plain, strided, dilated, kinds };
  const kernel kernels[longest_side + 1][kinds] = {
      [2] = {[strided] = follow_2_strided},
      [3] = {follow_3, follow_3_strided, follow_3_dilated},
      [5] = {follow_5, follow_5_strided, follow_5_dilated},
      [7] = {follow_7, follow_7_strided, follow_7_dilated}};
  const int64_t side = w->kernel[1], stride = w->stride[1];
  const int is_dilated = w->dilation[1] > 1 || w->dilation[2] > 1;
  if (w->kernel[2] != side || side > longest_side || w->stride[2] != stride) return NULL;
  if (stride == 1) return kernels[side][is_dilated ? dilated : plain];
  return stride == 2 && !is_dilated ? kernels[side][strided] : NULL;
}

int depthwise_follows_rows(const struct sliding_window *window) { return kernel_for(window) != NULL; }

void depthwise_rows(
    const float *x, const float *filters, const struct sliding_window *window,
    const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch) {
  kernel_for(window)(x, filters, window, planes, epilogue, y, scratch);
}
