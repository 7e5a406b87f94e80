#include "winograd.h"

#include <string.h>

#include "chunk.h"

static inline int64_t whole_chunks(int64_t count) { return (count + chunk - 1) & ~(int64_t)(chunk - 1); }

// The largest tile of the output and of the input, in one dimension.
enum { largest_tile = 4, most_cells = largest_tile + 2 };

// For tiles of 4, the points of interpolation besides 0 and infinity are ±a and ±b.
#define A 0.75f
#define B 1.5f

// One dimension of the input's transform.
#define TRANSFORM_INPUT(type, tile, x, t)                                                           \
  do {                                                                                              \
    if (tile == 2) {                                                                                \
      t[0] = x[0] - x[2];                                                                           \
      t[1] = x[1] + x[2];                                                                           \
      t[2] = x[2] - x[1];                                                                           \
      t[3] = x[1] - x[3];                                                                           \
    } else {                                                                                        \
      const type even_a = x[4] - B * B * x[2], odd_a = x[3] - B * B * x[1];                         \
      const type even_b = x[4] - A * A * x[2], odd_b = x[3] - A * A * x[1];                         \
      t[0] = A * A * B * B * x[0] + (x[4] - (A * A + B * B) * x[2]);                                \
      t[1] = even_a + A * odd_a;                                                                    \
      t[2] = even_a - A * odd_a;                                                                    \
      t[3] = even_b + B * odd_b;                                                                    \
      t[4] = even_b - B * odd_b;                                                                    \
      t[5] = A * A * B * B * x[1] + (x[5] - (A * A + B * B) * x[3]);                                \
    }                                                                                               \
  } while (0)

// One dimension of the output's transform.
#define TRANSFORM_OUTPUT(type, tile, m, y)                                                          \
  do {                                                                                              \
    const type sum_a = m[1] + m[2], difference_a = m[1] - m[2];                                     \
    if (tile == 2) {                                                                                \
      y[0] = m[0] + sum_a;                                                                          \
      y[1] = difference_a - m[3];                                                                   \
    } else {                                                                                        \
      const type sum_b = m[3] + m[4], difference_b = m[3] - m[4];                                   \
      y[0] = m[0] + sum_a + sum_b;                                                                  \
      y[1] = A * difference_a + B * difference_b;                                                   \
      y[2] = A * A * sum_a + B * B * sum_b;                                                         \
      y[3] = A * A * A * difference_a + (B * B * B * difference_b + m[5]);                          \
    }                                                                                               \
  } while (0)

// One dimension of a filter's transform.
#define TRANSFORM_FILTER(type, tile, k, t)                                                          \
  do {                                                                                              \
    if (tile == 2) {                                                                                \
      const type even = 0.5f * (k[0] + k[2]), odd = 0.5f * k[1];                                    \
      t[0] = k[0];                                                                                  \
      t[1] = even + odd;                                                                            \
      t[2] = even - odd;                                                                            \
      t[3] = k[2];                                                                                  \
    } else {                                                                                        \
      const float at_zero = 1 / (A * A * B * B);                                                    \
      const float at_a = 1 / (2 * A * A * (A * A - B * B)), at_b = 1 / (2 * B * B * (B * B - A * A)); \
      const type even_a = at_a * (k[0] + A * A * k[2]), odd_a = at_a * A * k[1];                    \
      const type even_b = at_b * (k[0] + B * B * k[2]), odd_b = at_b * B * k[1];                    \
      t[0] = at_zero * k[0];                                                                        \
      t[1] = even_a + odd_a;                                                                        \
      t[2] = even_a - odd_a;                                                                        \
      t[3] = even_b + odd_b;                                                                        \
      t[4] = even_b - odd_b;                                                                        \
      t[5] = k[2];                                                                                  \
    }                                                                                               \
  } while (0)

int64_t winograd_slots(int64_t width, int64_t pad_left, int64_t tiles, int64_t tile) {
  return pad_left + width <= tiles * tile ? tiles : tiles + 1;
}

// A line holds every tile-th pixel row, concatenated: the rows that the tiles of one column see at one height.
static inline int64_t line_length(int64_t rows, int64_t slots, int64_t tile) {
  return (rows + 1) * slots * tile + 6 * chunk;
}

// The transformed lines, one float per place.
static inline int64_t mixed_length(int64_t rows, int64_t slots) { return whole_chunks((rows + 1) * slots) + chunk; }

int64_t winograd_scratch(int64_t rows, int64_t slots, int64_t tile) {
  return tile * line_length(rows, slots, tile) + (tile * (tile + 2) + 1) * mixed_length(rows, slots);
}

// The filters of a panel of outputs, one per lane, for some inputs: gathered[input][cell][lane].
enum { gathered_inputs = 16 };

// The filters of one input, with a lane for each output of a panel.
#define TRANSFORM_PANEL(type, tile)                                                                 \
  do {                                                                                              \
    const type *from = (const type *)gathered + 9 * c;                                              \
    type t[3][most_cells];                                                                          \
    for (int column = 0; column < 3; column++) {                                                    \
      type k[3];                                                                                    \
      for (int row = 0; row < 3; row++) k[row] = from[rotated ? 8 - 3 * row - column : 3 * row + column]; \
      TRANSFORM_FILTER(type, tile, k, t[column]);                                                   \
    }                                                                                               \
    for (int i = 0; i < tile + 2; i++) {                                                            \
      const type row[3] = {t[0][i], t[1][i], t[2][i]};                                              \
      type done[most_cells];                                                                        \
      TRANSFORM_FILTER(type, tile, row, done);                                                      \
      for (int j = 0; j < tile + 2; j++) *(type *)(to + (i * (tile + 2) + j) * cell_stride) = done[j]; \
    }                                                                                               \
  } while (0)

SIMD_KERNEL void winograd_weights(
    int64_t tile, const float *weights, int64_t outputs, int64_t inputs, int64_t output_stride, int64_t input_stride,
    int rotated, int64_t first, int64_t last, float *u, int64_t cell_stride) {
  const int64_t height = product_rows();
  // Filters that follow one another are packed as one row of numbers.
  const int64_t cells = input_stride == 9 ? 1 : 9, channel_stride = input_stride == 9 ? 1 : input_stride;
  float gathered[gathered_inputs * 9 * product_rows_limit];
  for (int64_t panel = first; panel < last; panel += height)
    for (int64_t start = 0; start < inputs; start += gathered_inputs) {
      const int64_t count = smaller(gathered_inputs, inputs - start);
      const int64_t present = smaller(height, outputs - panel);
      const struct depth_order order = {9 * count / cells, cells, 1};
      pack_left(
          weights + panel * output_stride + start * input_stride, output_stride, channel_stride, &order, present, 0,
          present, gathered);
      for (int64_t c = 0; c < count; c++) {
        float *to = u + panel * inputs + (start + c) * height;
        if (height == 8) {
          if (tile == 2) TRANSFORM_PANEL(half_chunk_vector, 2);
          if (tile == 4) TRANSFORM_PANEL(half_chunk_vector, 4);
        } else {
          if (tile == 2) TRANSFORM_PANEL(quarter_chunk_vector, 2);
          if (tile == 4) TRANSFORM_PANEL(quarter_chunk_vector, 4);
        }
      }
    }
}

// Copies the pixel rows of a line, with zeros outside the image.
SIMD_INLINE void fill_line(
    const float *x, const float *end, const struct winograd_plane *p, int64_t first_row, int64_t rows, float *line) {
  const int64_t pitch = p->slots * p->tile;
  spill_zeros(line, chunk);
  for (int64_t r = 0; r < rows; r++, line += pitch) {
    const int64_t h = first_row + r * p->tile;
    float *to = line + p->pad_left;
    // The excess lies where the next row will be written.
    if (h >= 0 && h < p->height) {
      spill_copy(x + h * p->width, end, p->width, 1, to);
      spill_zeros(to + p->width, pitch - p->width);
    } else {
      spill_zeros(to, pitch);
    }
  }
}

// `a` shifted by one place, then `next`.
#define SHIFTED(a, next)                                                                            \
  __builtin_shufflevector(a, (chunk_vector){0} + (next), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)

SIMD_INLINE void transform_input(
    int tile, const float *x, const float *end, const struct winograd_plane *plane, int64_t first, int64_t rows,
    float *v, int64_t cell_stride, float *scratch) {
  const struct winograd_plane p = *plane;
  const int64_t places = rows * p.slots, length = line_length(rows, p.slots, tile);
  const int64_t mixed = mixed_length(rows, p.slots);
  const int side = tile + 2;
  float *lines = scratch, *transformed = scratch + tile * length;
  int32_t *inside = (int32_t *)(transformed + tile * side * mixed);
  // If no place is free, a row's last tile must not see the next row: zeros follow it.
  const int masked = p.slots == p.tiles;
  if (masked)
    for (int64_t f = 0; f < mixed; f++) inside[f] = f % p.slots == p.slots - 1 ? 0 : -1;

  for (int i = 0; i < tile; i++) {
    // The first two rows of a tile are also the last two of the one above.
    const int64_t count = rows + (i < 2), line_places = count * p.slots;
    float *line = lines + i * length;
    fill_line(x, end, &p, first * tile + i - p.pad_top, count, line);
    for (int64_t f = 0; f < line_places; f += chunk) {
      const float *q = line + f * tile;
      chunk_vector in[most_cells], t[most_cells];
      if (tile == 2) {
        const chunk_vector q0 = LOAD(q), q1 = LOAD(q + chunk);
        in[0] = EVERY_SECOND(q0, q1, 0);
        in[1] = EVERY_SECOND(q0, q1, 1);
      } else {
        const chunk_vector q0 = LOAD(q), q1 = LOAD(q + chunk), q2 = LOAD(q + 2 * chunk), q3 = LOAD(q + 3 * chunk);
        const chunk_vector even0 = EVERY_SECOND(q0, q1, 0), even1 = EVERY_SECOND(q2, q3, 0);
        const chunk_vector odd0 = EVERY_SECOND(q0, q1, 1), odd1 = EVERY_SECOND(q2, q3, 1);
        in[0] = EVERY_SECOND(even0, even1, 0);
        in[1] = EVERY_SECOND(odd0, odd1, 0);
        in[2] = EVERY_SECOND(even0, even1, 1);
        in[3] = EVERY_SECOND(odd0, odd1, 1);
      }
      in[tile] = SHIFTED(in[0], q[tile * chunk]);
      in[tile + 1] = SHIFTED(in[1], q[tile * chunk + 1]);
      if (masked) {
        const mask_vector mask = *(const mask_vector *)(inside + f);
        in[tile] = (chunk_vector)((mask_vector)in[tile] & mask);
        in[tile + 1] = (chunk_vector)((mask_vector)in[tile + 1] & mask);
      }
      TRANSFORM_INPUT(chunk_vector, tile, in, t);
      for (int j = 0; j < side; j++) STORE(transformed + (i * side + j) * mixed + f, t[j]);
    }
  }
  for (int j = 0; j < side; j++) {
    const float *at = transformed + j * mixed;
    float *to = v + j * cell_stride;
    for (int64_t f = 0; f < places; f += chunk) {
      chunk_vector in[most_cells], t[most_cells];
      for (int i = 0; i < tile; i++) in[i] = LOAD(at + i * side * mixed + f);
      for (int i = 0; i < 2; i++) in[tile + i] = LOAD(at + i * side * mixed + f + p.slots);
      TRANSFORM_INPUT(chunk_vector, tile, in, t);
      for (int i = 0; i < side; i++) STORE(to + i * side * cell_stride + f, t[i]);
    }
  }
}

WIDE_SIMD_KERNEL void winograd_input(
    const float *x, const float *end, const struct winograd_plane *plane, int64_t first, int64_t rows, float *v,
    int64_t cell_stride, float *scratch) {
  if (plane->tile == 2) {
    transform_input(2, x, end, plane, first, rows, v, cell_stride, scratch);
  } else {
    transform_input(4, x, end, plane, first, rows, v, cell_stride, scratch);
  }
}

SIMD_INLINE void transform_output(
    int tile, const float *m, int64_t cell_stride, const struct winograd_plane *plane, int64_t first, int64_t rows,
    const struct tile_epilogue *epilogue, float *y, float *scratch) {
  const struct winograd_plane p = *plane;
  const int64_t places = rows * p.slots, length = line_length(rows, p.slots, tile);
  const int side = tile + 2;
  for (int64_t f = 0; f < places; f += chunk) {
    chunk_vector mixed[largest_tile][most_cells];
    for (int j = 0; j < side; j++) {
      chunk_vector in[most_cells], t[largest_tile];
      for (int i = 0; i < side; i++) in[i] = LOAD(m + (i * side + j) * cell_stride + f);
      TRANSFORM_OUTPUT(chunk_vector, tile, in, t);
      for (int i = 0; i < tile; i++) mixed[i][j] = t[i];
    }
    for (int i = 0; i < tile; i++) {
      chunk_vector t[largest_tile];
      TRANSFORM_OUTPUT(chunk_vector, tile, mixed[i], t);
      float *to = scratch + i * length + f * tile;
      if (tile == 2) {
        STORE(to, FIRST_HALVES(t[0], t[1]));
        STORE(to + chunk, LAST_HALVES(t[0], t[1]));
      } else {
        const chunk_vector even0 = FIRST_HALVES(t[0], t[2]), even1 = LAST_HALVES(t[0], t[2]);
        const chunk_vector odd0 = FIRST_HALVES(t[1], t[3]), odd1 = LAST_HALVES(t[1], t[3]);
        STORE(to, FIRST_HALVES(even0, odd0));
        STORE(to + chunk, LAST_HALVES(even0, odd0));
        STORE(to + 2 * chunk, FIRST_HALVES(even1, odd1));
        STORE(to + 3 * chunk, LAST_HALVES(even1, odd1));
      }
    }
  }
  const float bias = epilogue->bias ? epilogue->bias[0] : 0, low = epilogue->low, high = epilogue->high;
  for (int64_t r = 0; r < rows; r++)
    for (int i = 0; i < tile; i++) {
      const int64_t h = (first + r) * tile + i;
      if (h >= p.height) return;
      finish_row(
          scratch + i * length + r * p.slots * tile, p.width, 0, bias,
          epilogue->residual ? epilogue->residual + h * p.width : 0, low, high, y + h * p.width);
    }
}

WIDE_SIMD_KERNEL void winograd_output(
    const float *m, int64_t cell_stride, const struct winograd_plane *plane, int64_t first, int64_t rows,
    const struct tile_epilogue *epilogue, float *y, float *scratch) {
  if (plane->tile == 2) {
    transform_output(2, m, cell_stride, plane, first, rows, epilogue, y, scratch);
  } else {
    transform_output(4, m, cell_stride, plane, first, rows, epilogue, y, scratch);
  }
}
