#include "packed_product.h"

#include <string.h>

#include "simd.h"

// tile (rows × 2 · lanes, or rows × lanes) = left panel · right panel, all sums kept in registers.
#define PRODUCT_TILE(name, target, rows, lanes, vectors)                                                       \
  target static void name(                                                                                     \
      const float *restrict left, const float *restrict right, int64_t leading, int64_t depth, float *tile) {  \
    typedef float vector __attribute__((vector_size(lanes * sizeof(float)), aligned(sizeof(float))));          \
    vector sum[rows][vectors];                                                                                 \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                          \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) sum[r][v] = (vector){0};          \
    for (int64_t k = 0; k < depth; k++, left += rows, right += leading) {                                      \
      vector b[vectors];                                                                                       \
      _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) b[v] =                              \
          *(const vector *)(right + v * lanes);                                                                \
      _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                        \
          _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++) sum[r][v] += left[r] * b[v];    \
    }                                                                                                          \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; r++)                                          \
        _Pragma("clang loop unroll(full)") for (int v = 0; v < vectors; v++)                                   \
            *(vector *)(tile + (r * vectors + v) * lanes) = sum[r][v];                                         \
  }

typedef void (*product_tile)(const float *, const float *, int64_t, int64_t, float *);

// The tile functions of a processor level: registers decide how large a tile is best.
struct product_level {
  int rows, lanes;
  product_tile two, one;
};

#if defined(__x86_64__)
// The features by name: the level's own name would make the compiler prefer half-wide vectors.
#define WIDE_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
PRODUCT_TILE(tile_v4_two, WIDE_TARGET, 12, 16, 2)
PRODUCT_TILE(tile_v4_one, WIDE_TARGET, 12, 16, 1)
PRODUCT_TILE(tile_v3_two, __attribute__((target("arch=x86-64-v3"))), 6, 8, 2)
PRODUCT_TILE(tile_v3_one, __attribute__((target("arch=x86-64-v3"))), 6, 8, 1)
#endif
PRODUCT_TILE(tile_base_two, , 4, 4, 2)
PRODUCT_TILE(tile_base_one, , 4, 4, 1)

static struct product_level level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return (struct product_level){12, 16, tile_v4_two, tile_v4_one};
  if (__builtin_cpu_supports("x86-64-v3")) return (struct product_level){6, 8, tile_v3_two, tile_v3_one};
#endif
  return (struct product_level){4, 4, tile_base_two, tile_base_one};
}

int64_t product_rows(void) { return level().rows; }
int64_t product_columns(void) { return 2 * level().lanes; }

void pack_left(
    const float *matrix, int64_t row_stride, int64_t depth_stride, int64_t rows, int64_t depth, int64_t first,
    int64_t last, float *packed) {
  const int64_t height = product_rows();
  for (int64_t panel = first; panel < last; panel += height) {
    float *restrict to = packed + panel * depth;
    const int64_t present = smaller(height, rows - panel);
    const unaligned_float *from = (const unaligned_float *)(matrix + panel * row_stride);
    for (int64_t k = 0; k < depth; k++, to += height) {
      for (int64_t r = 0; r < present; r++) to[r] = from[r * row_stride + k * depth_stride];
      for (int64_t r = present; r < height; r++) to[r] = 0;
    }
  }
}

SIMD_KERNEL void pack_right(
    const float *matrix, int64_t leading, int64_t first, int64_t last, int64_t columns, float *panel) {
  const int64_t width = product_columns();
  const float *from = matrix + first * leading;
  for (int64_t k = first; k < last; k++, from += leading, panel += width)
    for (int64_t i = 0; i < columns; i++) panel[i] = from[i];
}

SIMD_KERNEL void pack_windows(
    const float *x, const struct sliding_window *window, int64_t first, int64_t last, int64_t position,
    int64_t columns, float *panel) {
  const struct sliding_window w = *window;
  const int64_t wide = w.output[2], height = w.input[1], width = w.input[2], plane = volume(w.input);
  const int64_t cells = volume(w.kernel), panel_width = product_columns();
  for (int64_t k = first; k < last; k++, panel += panel_width) {
    const int64_t cell = k % cells, kw = cell % w.kernel[2], kh = cell / w.kernel[2] % w.kernel[1];
    const int64_t kd = cell / (w.kernel[2] * w.kernel[1]);
    const float *channel = x + k / cells * plane;
    int64_t covered, behind;
    covered_outputs(&w, 2, kw, &covered, &behind);
    // Runs of columns in one output row.
    for (int64_t done = 0; done < columns;) {
      const int64_t at = position + done, row = at / wide, start = at % wide;
      const int64_t end = smaller(wide, start + columns - done);
      const int64_t d = window_origin(&w, 0, row / w.output[1]) + kd * w.dilation[0];
      const int64_t h = window_origin(&w, 1, row % w.output[1]) + kh * w.dilation[1];
      float *restrict to = panel + done - start;
      if (d < 0 || d >= w.input[0] || h < 0 || h >= height) {
        for (int64_t o = start; o < end; o++) to[o] = 0;
      } else {
        const float *restrict from = channel + (d * height + h) * width + kw * w.dilation[2] - w.pad[2];
        const int64_t low = smaller(larger(start, covered), end), high = larger(smaller(end, behind), low);
        for (int64_t o = start; o < low; o++) to[o] = 0;
        if (w.stride[2] == 1) {
          for (int64_t o = low; o < high; o++) to[o] = from[o];
        } else if (w.stride[2] == 2) {
          for (int64_t o = low; o < high; o++) to[o] = from[o * 2];
        } else {
          for (int64_t o = low; o < high; o++) to[o] = from[o * w.stride[2]];
        }
        for (int64_t o = high; o < end; o++) to[o] = 0;
      }
      done += end - start;
    }
  }
}

SIMD_KERNEL static void finish_tile(
    const float *restrict tile, int64_t tile_width, int64_t rows, int64_t columns, float *c, int64_t leading,
    const float *bias, const struct tile_epilogue *epilogue) {
  const float low = epilogue->low, high = epilogue->high;
  for (int64_t r = 0; r < rows; r++, tile += tile_width) {
    float *restrict to = c + r * leading;
    const float b = bias ? bias[r] : 0;
    if (epilogue->accumulate) {
      for (int64_t i = 0; i < columns; i++) {
        float value = to[i] + tile[i] + b;
        value = value < low ? low : value;
        to[i] = value > high ? high : value;
      }
    } else {
      for (int64_t i = 0; i < columns; i++) {
        float value = tile[i] + b;
        value = value < low ? low : value;
        to[i] = value > high ? high : value;
      }
    }
  }
}

void multiply_panel(
    const float *packed, int64_t whole_depth, int64_t first, int64_t last, const float *panel, int64_t leading,
    int64_t depth, int64_t columns, float *c, int64_t c_leading, const struct tile_epilogue *epilogue) {
  const struct product_level here = level();
  float tile[product_rows_limit * product_columns_limit] __attribute__((aligned(64)));
  const int narrow = columns <= here.lanes;
  const product_tile product = narrow ? here.one : here.two;
  const int64_t tile_width = narrow ? here.lanes : 2 * here.lanes;
  for (int64_t row = first; row < last; row += here.rows) {
    product(packed + row * whole_depth, panel, leading, depth, tile);
    finish_tile(
        tile, tile_width, smaller(here.rows, last - row), columns, c + row * c_leading, c_leading,
        epilogue->bias ? epilogue->bias + row : 0, epilogue);
  }
}
