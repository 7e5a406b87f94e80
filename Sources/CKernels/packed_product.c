#include "packed_product.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "chunk.h"

#define UNROLL _Pragma("clang loop unroll(full)")

// The element of a row of a panel, and of a row read in place, at the depth that `left` points to.
#define OF_PANEL(p, r) left[p * stride + r]
#define OF_ROW(p, r) left[r * stride]

// How many depths ahead packed weights are fetched: they come from main memory once, and a processor by itself fetches no
// farther than to the end of a page. Past the last depth, those of the next tile's panels are.
enum { ahead = 128 };

// A tile of `panels` left panels × `vectors` vectors of `lanes` columns, with all sums in registers. The first `rows`
// rows of each panel are computed; successive depths are `step` elements apart.
#define TILE(name, target, panels, rows, element, step, vectors, lanes)                                        \
  target static void name(                                                                                     \
      const unaligned_float *restrict left, int64_t stride, const float *restrict right, int64_t leading,      \
      int64_t depth, float *c, int64_t c_leading, const struct tile_epilogue *epilogue) {                      \
    typedef float vector __attribute__((vector_size(lanes * sizeof(float)), aligned(1)));                      \
    vector sum[panels][rows][vectors];                                                                         \
    UNROLL for (int p = 0; p < panels; p++) UNROLL for (int r = 0; r < rows; r++)                              \
        UNROLL for (int v = 0; v < vectors; v++) sum[p][r][v] = (vector){0};                                   \
    if (epilogue->accumulate)                                                                                  \
      UNROLL for (int p = 0; p < panels; p++) UNROLL for (int r = 0; r < rows; r++)                            \
          UNROLL for (int v = 0; v < vectors; v++) sum[p][r][v] =                                              \
              *(const vector *)(c + (p * rows + r) * c_leading + v * lanes);                                   \
    ptrdiff_t fetched = ahead * step;                                                                          \
    int64_t k = 0;                                                                                             \
    for (int past = 0; past < 2; past++, fetched += panels * stride - depth * step)                            \
      for (const int64_t end = past ? depth : depth - ahead; k < end; k++, left += step, right += leading) {   \
        vector b[vectors];                                                                                     \
        UNROLL for (int p = 0; p < panels; p++) if (step > 1) __builtin_prefetch(left + p * stride + fetched); \
        UNROLL for (int v = 0; v < vectors; v++) b[v] = *(const vector *)(right + v * lanes);                  \
        UNROLL for (int p = 0; p < panels; p++) UNROLL for (int r = 0; r < rows; r++)                          \
            UNROLL for (int v = 0; v < vectors; v++) sum[p][r][v] += element(p, r) * b[v];                     \
      }                                                                                                        \
    const vector low = (vector){0} + epilogue->low, high = (vector){0} + epilogue->high;                       \
    UNROLL for (int p = 0; p < panels; p++) UNROLL for (int r = 0; r < rows; r++) {                            \
      const float bias = epilogue->bias ? epilogue->bias[p * rows + r] : 0;                                    \
      UNROLL for (int v = 0; v < vectors; v++) {                                                               \
        const ptrdiff_t at = (p * rows + r) * c_leading + v * lanes;                                           \
        vector value = sum[p][r][v] + bias;                                                                    \
        if (epilogue->residual)                                                                                \
          value += *(const vector *)(epilogue->residual + (p * rows + r) * epilogue->residual_leading + v * lanes); \
        value = CHOOSE(vector, low > value, low, value);                                                               \
        *(vector *)(c + at) = CHOOSE(vector, high < value, high, value);                                               \
      }                                                                                                        \
    }                                                                                                          \
  }

// `columns` single columns of three left panels; a vector holds the rows of a panel: sum[panel][row][column].
#define COLUMN_TILE(name, target, rows, columns)                                                               \
  target static void name(                                                                                     \
      const float *restrict left, int64_t panel_stride, int64_t panels, const float *restrict right,           \
      int64_t leading, int64_t depth, float *restrict to) {                                                    \
    typedef float vector __attribute__((vector_size(rows * sizeof(float)), aligned(1)));                       \
    for (; panels > 0; panels -= 3, to += 3 * rows * columns, left += 3 * panel_stride) {                      \
      const int64_t second = panels > 1 ? panel_stride : 0, third = panels > 2 ? 2 * panel_stride : 0;         \
      vector sum[3][columns];                                                                                  \
      UNROLL for (int p = 0; p < 3; p++) UNROLL for (int i = 0; i < columns; i++) sum[p][i] = (vector){0};     \
      for (int64_t k = 0; k < depth; k++) {                                                                    \
        const float *at = left + k * rows, *b = right + k * leading;                                           \
        const vector a0 = *(const vector *)at, a1 = *(const vector *)(at + second),                            \
                     a2 = *(const vector *)(at + third);                                                       \
        UNROLL for (int i = 0; i < columns; i++) {                                                             \
          sum[0][i] += a0 * b[i];                                                                              \
          sum[1][i] += a1 * b[i];                                                                              \
          sum[2][i] += a2 * b[i];                                                                              \
        }                                                                                                      \
      }                                                                                                        \
      for (int p = 0; p < 3 && p < panels; p++)                                                                \
        for (int r = 0; r < rows; r++)                                                                         \
          for (int i = 0; i < columns; i++) to[(p * rows + r) * columns + i] = sum[p][i][r];                   \
    }                                                                                                          \
  }

typedef void (*product_tile)(
    const unaligned_float *, int64_t, const float *, int64_t, int64_t, float *, int64_t, const struct tile_epilogue *);
typedef void (*column_tile)(const float *, int64_t, int64_t, const float *, int64_t, int64_t, float *);

// The tile functions of a processor level: the registers determine the best tile size.
struct product_level {
  int64_t rows, lanes, vectors;
  struct product_tiles {
    product_tile whole[3];  // all rows of a panel, by the number of vectors
    product_tile few[3];    // the first row, two or four, all vectors
  } packed, in_place;
  product_tile tall;  // three panels, one vector
  column_tile single[product_single_columns];
};

#define TILES(suffix, target, rows, element, step, vectors, lanes)             \
  TILE(tile_one_##suffix, target, 1, rows, element, step, 1, lanes)            \
  TILE(tile_two_##suffix, target, 1, rows, element, step, 2, lanes)            \
  TILE(few_one_##suffix, target, 1, 1, element, step, vectors, lanes)          \
  TILE(few_two_##suffix, target, 1, 2, element, step, vectors, lanes)          \
  TILE(few_four_##suffix, target, 1, 4, element, step, vectors, lanes)
#define LEVEL(suffix, target, rows, lanes, vectors)                            \
  TILES(packed_##suffix, target, rows, OF_PANEL, rows, vectors, lanes)         \
  TILES(in_place_##suffix, target, rows, OF_ROW, 1, vectors, lanes)            \
  TILE(tile_tall_##suffix, target, 3, rows, OF_PANEL, rows, 1, lanes)          \
  COLUMN_TILE(single_one_##suffix, target, rows, 1)                            \
  COLUMN_TILE(single_two_##suffix, target, rows, 2)                            \
  COLUMN_TILE(single_three_##suffix, target, rows, 3)                          \
  COLUMN_TILE(single_four_##suffix, target, rows, 4)
#define THREE(suffix, target, rows, lanes)                                     \
  TILE(tile_three_packed_##suffix, target, 1, rows, OF_PANEL, rows, 3, lanes)  \
  TILE(tile_three_in_place_##suffix, target, 1, rows, OF_ROW, 1, 3, lanes)

#define TILES_ENTRY(suffix, three) \
  {{tile_one_##suffix, tile_two_##suffix, three}, {few_one_##suffix, few_two_##suffix, few_four_##suffix}}
#define LEVEL_ENTRY(suffix, rows, lanes, vectors, three_packed, three_in_place)                              \
  {                                                                                                          \
    rows, lanes, vectors, TILES_ENTRY(packed_##suffix, three_packed),                                        \
        TILES_ENTRY(in_place_##suffix, three_in_place), tile_tall_##suffix, {                                \
      single_one_##suffix, single_two_##suffix, single_three_##suffix, single_four_##suffix                  \
    }                                                                                                        \
  }
#define LEVEL_ENTRY_OF_THREE(suffix, rows, lanes) \
  LEVEL_ENTRY(suffix, rows, lanes, 3, tile_three_packed_##suffix, tile_three_in_place_##suffix)

#if defined(__x86_64__)
// The features by name: the level's own name would make the compiler prefer half-wide vectors.
#define WIDE_TARGET __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")))
#define MIDDLE_TARGET __attribute__((target("arch=x86-64-v3")))
#if !defined(SIMD_WITHOUT_AVX512)
LEVEL(v4, WIDE_TARGET, 8, 16, 3)
THREE(v4, WIDE_TARGET, 8, 16)
#endif
LEVEL(v3, MIDDLE_TARGET, 4, 8, 3)
THREE(v3, MIDDLE_TARGET, 4, 8)
LEVEL(base, , 4, 4, 2)
#else
LEVEL(base, , 8, 4, 3)
THREE(base, , 8, 4)
#endif

static const struct product_level *level(void) {
#if defined(__x86_64__)
  static const struct product_level v3 = LEVEL_ENTRY_OF_THREE(v3, 4, 8);
  static const struct product_level base = LEVEL_ENTRY(base, 4, 4, 2, NULL, NULL);
  __builtin_cpu_init();
#if !defined(SIMD_WITHOUT_AVX512)
  static const struct product_level v4 = LEVEL_ENTRY_OF_THREE(v4, 8, 16);
  if (__builtin_cpu_supports("x86-64-v4")) return &v4;
#endif
  if (__builtin_cpu_supports("x86-64-v3")) return &v3;
#else
  static const struct product_level base = LEVEL_ENTRY_OF_THREE(base, 8, 4);
#endif
  return &base;
}

const char *product_level_name(void) {
#if defined(__x86_64__)
  return level()->lanes == 16 ? "x86-64-v4" : level()->lanes == 8 ? "x86-64-v3" : "x86-64";
#else
  return "base";
#endif
}

int64_t product_rows(void) { return level()->rows; }
int64_t product_columns(void) { return level()->vectors * level()->lanes; }
int64_t product_lanes(void) { return level()->lanes; }

// The place of a channel's cell in the depth.
static inline int64_t depth_index(const struct depth_order *order, int64_t channel, int64_t cell) {
  const int64_t start = channel - channel % order->block;
  const int64_t count = smaller(order->block, order->channels - start);
  return start * order->cells + cell * count + channel - start;
}

// Packs all whole chunks of a panel of eight rows that are contiguous in memory; returns the depth packed.
SIMD_INLINE int64_t pack_eight_rows(const float *from, int64_t row_stride, const struct depth_order *order, float *to) {
  const int64_t depth = order->channels * order->cells;
  int64_t done = 0, channel = 0, cell = 0;
  for (; done + chunk <= depth; done += chunk) {
    chunk_vector row[8], pair[8], four[8];
    for (int r = 0; r < 8; r++) row[r] = LOAD(from + r * row_stride + done);
    for (int r = 0; r < 4; r++) {
      pair[r] = FIRST_HALVES(row[r], row[r + 4]);
      pair[r + 4] = LAST_HALVES(row[r], row[r + 4]);
    }
    for (int half = 0; half < 8; half += 4)
      for (int r = 0; r < 2; r++) {
        four[half + r] = FIRST_HALVES(pair[half + r], pair[half + r + 2]);
        four[half + r + 2] = LAST_HALVES(pair[half + r], pair[half + r + 2]);
      }
    // Each result holds the eight rows of two neighbours.
    for (int quarter = 0; quarter < 8; quarter += 2)
      for (int last = 0; last < 2; last++) {
        const chunk_vector eight = last ? LAST_HALVES(four[quarter], four[quarter + 1])
                                        : FIRST_HALVES(four[quarter], four[quarter + 1]);
        for (int i = 0; i < 2; i++) {
          float *at = to + 8 * (order->cells == 1 ? channel : depth_index(order, channel, cell));
          *(half_chunk_vector *)at = i ? __builtin_shufflevector(eight, eight, 8, 9, 10, 11, 12, 13, 14, 15)
                                       : __builtin_shufflevector(eight, eight, 0, 1, 2, 3, 4, 5, 6, 7);
          if (++cell == order->cells) cell = 0, channel++;
        }
      }
  }
  return done;
}

WIDE_SIMD_KERNEL void pack_left(
    const float *matrix, int64_t row_stride, int64_t channel_stride, const struct depth_order *order, int64_t rows,
    int64_t first, int64_t last, float *packed) {
  const int64_t height = product_rows(), cells = order->cells, depth = order->channels * cells;
  for (int64_t panel = first; panel < last; panel += height) {
    float *to = packed + panel * depth;
    const int64_t present = smaller(height, rows - panel);
    const unaligned_float *from = (const unaligned_float *)(matrix + panel * row_stride);
    const int contiguous = channel_stride == cells && present == 8;
    for (int64_t i = contiguous ? pack_eight_rows((const float *)from, row_stride, order, to) : 0; i < depth; i++) {
      const int64_t channel = i / cells, cell = i % cells;
      const unaligned_float *at = from + channel * channel_stride + cell;
      float *column = to + height * depth_index(order, channel, cell);
      if (row_stride == 1 && present == 8) {
        for (int64_t r = 0; r < 8; r++) column[r] = at[r];
      } else {
        for (int64_t r = 0; r < present; r++) column[r] = at[r * row_stride];
        for (int64_t r = present; r < height; r++) column[r] = 0;
      }
    }
  }
}

SIMD_KERNEL void pack_right(
    const float *matrix, int64_t leading, int64_t depth, int64_t columns, float *panel, int64_t panel_leading) {
  for (int64_t k = 0; k < depth; k++, matrix += leading, panel += panel_leading) {
    for (int64_t i = 0; i < columns; i++) panel[i] = matrix[i];
    for (int64_t i = columns; i < panel_leading; i++) panel[i] = 0;
  }
}

// Columns of a panel that come from neighbours in one row of the image, or are 0 if `from` is negative.
struct run {
  int64_t from, to, count;
};

// The columns of a panel in one row of the output, and the row's origin in the image.
struct segment {
  int64_t start, end, to, depth, height;
};

enum { run_limit = 3 * product_columns_limit };

static int64_t make_segments(
    const struct sliding_window *w, int64_t position, int64_t columns, struct segment *segments) {
  const int64_t wide = w->output[2];
  int64_t count = 0, row = position / wide, start = position % wide;
  for (int64_t done = 0; done < columns; row++, start = 0) {
    const int64_t end = smaller(wide, start + columns - done);
    segments[count++] = (struct segment){
        start, end, done - start, window_origin(w, 0, row / w->output[1]), window_origin(w, 1, row % w->output[1])};
    done += end - start;
  }
  return count;
}

// The runs of one kernel cell; `from` counts from the start of a channel.
SIMD_INLINE int64_t make_runs(
    const struct sliding_window *w, int64_t kd, int64_t kh, int64_t kw, const struct segment *segments, int64_t count,
    struct run *runs) {
  int64_t covered, behind, made = 0;
  covered_outputs(w, 2, kw, &covered, &behind);
  for (const struct segment *s = segments; s < segments + count; s++) {
    const int64_t d = s->depth + kd * w->dilation[0], h = s->height + kh * w->dilation[1];
    const int outside = d < 0 || d >= w->input[0] || h < 0 || h >= w->input[1];
    const int64_t low = outside ? s->end : smaller(larger(s->start, covered), s->end);
    const int64_t high = larger(smaller(s->end, behind), low);
    if (low > s->start) runs[made++] = (struct run){-1, s->to + s->start, low - s->start};
    if (high > low) {
      const int64_t from = (d * w->input[1] + h) * w->input[2] + window_origin(w, 2, low) + kw * w->dilation[2];
      runs[made++] = (struct run){from, s->to + low, high - low};
    }
    if (s->end > high) runs[made++] = (struct run){-1, s->to + high, s->end - high};
  }
  return made;
}

// One row of a panel. If it `spills`, whole chunks are written: what follows the row is written afterwards.
SIMD_INLINE void copy_runs(
    const float *channel, const float *end, const struct run *runs, int64_t count, int64_t stride, int spills,
    float *panel) {
  for (const struct run *run = runs; run < runs + count; run++) {
    float *to = panel + run->to;
    const float *from = channel + run->from;
    if (run->from < 0) {
      if (spills) {
        spill_zeros(to, run->count);
      } else {
        for (int64_t i = 0; i < run->count; i++) {
          to[i] = 0;
          KEEP_LOOP(i);
        }
      }
    } else {
      // An end before all elements makes the copy exact.
      spill_copy(from, spills ? end : channel, run->count, stride, to);
    }
  }
}

WIDE_SIMD_KERNEL void pack_windows(
    const float *x, const struct sliding_window *window, int64_t channels, int64_t first, int64_t last,
    int64_t position, int64_t columns, float *panel) {
  const struct sliding_window w = *window;
  const int64_t plane = volume(w.input), panel_width = product_columns();
  struct segment segments[product_columns_limit];
  struct run runs[run_limit];
  const int64_t count = make_segments(&w, position, columns, segments);
  const float *panel_end = panel + volume(w.kernel) * (last - first) * panel_width;
  for (int64_t kd = 0; kd < w.kernel[0]; kd++)
    for (int64_t kh = 0; kh < w.kernel[1]; kh++)
      for (int64_t kw = 0; kw < w.kernel[2]; kw++) {
        const int64_t made = make_runs(&w, kd, kh, kw, segments, count, runs);
        for (int64_t channel = first; channel < last; channel++, panel += panel_width) {
          const int spills = panel + panel_width + chunk <= panel_end;
          copy_runs(x + channel * plane, x + channels * plane, runs, made, w.stride[2], spills, panel);
        }
      }
}

// Writes the sums of a tile at the edge of the result to it.
WIDE_SIMD_KERNEL static void finish_tile(
    const float *tile, int64_t tile_width, int64_t rows, int64_t columns, float *c, int64_t leading,
    const struct tile_epilogue *epilogue) {
  for (int64_t r = 0; r < rows; r++, tile += tile_width)
    finish_row(
        tile, columns, epilogue->accumulate, epilogue->bias ? epilogue->bias[r] : 0,
        epilogue->residual ? epilogue->residual + r * epilogue->residual_leading : 0, epilogue->low, epilogue->high, c + r * leading);
}

void multiply_panel(
    struct left_matrix left, int64_t first, int64_t last, const float *right, int64_t leading, int64_t depth,
    int64_t columns, float *c, int64_t c_leading, const struct tile_epilogue *epilogue) {
  const struct product_level *here = level();
  const struct product_tiles *tiles = left.packed ? &here->packed : &here->in_place;
  const struct tile_epilogue none = {0, NULL, NULL, 0, -INFINITY, INFINITY};
  const int64_t stride = left.packed ? here->rows * left.stride : left.stride;
  const int64_t vectors = (columns + here->lanes - 1) / here->lanes;
  float sums[3 * product_rows_limit * product_columns_limit] __attribute__((aligned(64)));
  for (int64_t row = first; row < last;) {
    const int64_t left_over = last - row;
    const float *at_row = left.start + row * left.stride;
    float *to = c + row * c_leading;
    struct tile_epilogue at = *epilogue;
    if (at.bias) at.bias += row;
    if (at.residual) at.residual += row * at.residual_leading;
    if (left.packed && columns <= product_single_columns) {
      const int64_t rows = smaller(3 * here->rows, left_over), panels = (rows + here->rows - 1) / here->rows;
      here->single[columns - 1](at_row, stride, panels, right, leading, depth, sums);
      finish_tile(sums, columns, rows, columns, to, c_leading, &at);
      row += rows;
      continue;
    }
    // Three panels, and rows in place, are read only if all of them exist.
    const int tall = left.packed && vectors == 1 && left_over > 2 * here->rows;
    const int is_few = left.packed ? vectors == here->vectors && left_over <= here->rows / 2 : left_over < here->rows;
    const int few = !is_few ? -1 : left_over > 3 || (left.packed && left_over == 3) ? 2 : left_over > 1;
    const product_tile tile = tall ? here->tall : few >= 0 ? tiles->few[few] : tiles->whole[vectors - 1];
    const int64_t full = tall ? 3 * here->rows : few >= 0 ? (int64_t)1 << few : here->rows;
    const int64_t height = smaller(full, left_over), width = few >= 0 ? here->vectors : vectors;
    if (columns == width * here->lanes && height == full) {
      tile(at_row, stride, right, leading, depth, to, c_leading, &at);
    } else {
      tile(at_row, stride, right, leading, depth, sums, width * here->lanes, &none);
      finish_tile(sums, width * here->lanes, height, columns, to, c_leading, &at);
    }
    row += height;
  }
}
