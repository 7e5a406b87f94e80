#include "depthwise.h"

#include <string.h>

#include "chunk.h"
#include "depthwise_rows.h"

// A plane convolved with stride s is split by the remainders of its padded coordinates into s × s phases; inside a phase
// every tap is one shift.
enum { block = 4 * chunk, rows_at_once = 4, longest_run = 7 };

// Taps in neighbouring rows of one column: the offset of the first tap's input for output 0, their number and the index
// of the first tap's weight.
struct tap_run {
  int64_t offset, count, first;
};

struct phases {
  int64_t count[2];      // phases along height and width: the strides
  int64_t height, width; // extents of a phase
  int64_t size;          // floats of a phase, with room to read some rows past its end
};

static inline struct phases make_phases(const struct sliding_window *w) {
  struct phases p;
  p.count[0] = w->stride[1];
  p.count[1] = w->stride[2];
  p.height = w->output[1] + (w->kernel[1] - 1) * w->dilation[1] / w->stride[1];
  p.width = w->output[2] + (w->kernel[2] - 1) * w->dilation[2] / w->stride[2];
  p.size = ((p.height + rows_at_once) * p.width + 3 * chunk) & ~(int64_t)(chunk - 1);
  return p;
}

int64_t depthwise_scratch(const struct sliding_window *w) {
  const struct phases p = make_phases(w);
  const int64_t backward_height = w->output[1] + 2 * ((w->kernel[1] - 1) * w->dilation[1] / w->stride[1]) + 1;
  const int64_t backward_width = w->output[2] + (w->kernel[2] - 1) * w->dilation[2] / w->stride[2] + 1;
  const int64_t taps = w->kernel[1] * w->kernel[2];
  const int64_t tables = taps * (int64_t)(sizeof(struct tap_run) + sizeof(int64_t) + sizeof(float)) / sizeof(float);
  const int64_t phased = p.count[0] * p.count[1] * p.size + tables + 2 * chunk;
  const int64_t forward = depthwise_follows_rows(w) ? depthwise_rows_scratch(w) : phased;
  const int64_t backward = 2 * (backward_height * backward_width + backward_width * 2 + 4 * block);
  return larger(forward, backward);
}

// The padded rows of a phase, concatenated.
SIMD_INLINE void fill_phase(
    const float *x, const float *end, const struct sliding_window *w, const struct phases *p, int64_t py, int64_t px,
    float *phase) {
  const int64_t first = smaller(larger(divide_up(w->pad[2] - px, w->stride[2]), 0), p->width);
  const int64_t last = larger(smaller(divide_up(w->input[2] + w->pad[2] - px, w->stride[2]), p->width), first);
  float *to = phase;
  for (int64_t row = 0; row < p->height; row++, to += p->width) {
    const int64_t h = row * w->stride[1] + py - w->pad[1];
    if (h >= 0 && h < w->input[1]) {
      const float *from = x + h * w->input[2] + first * w->stride[2] + px - w->pad[2];
      spill_zeros(to, first);
      spill_copy(from, end, last - first, w->stride[2], to + first);
      spill_zeros(to + last, p->width - last);
    } else {
      spill_zeros(to, p->width);
    }
  }
}

// The taps of each phase and column, as runs of neighbouring rows; `order` receives the filter's cells in that order.
static int64_t make_runs(const struct sliding_window *w, const struct phases *p, struct tap_run *runs, int64_t *order) {
  int64_t count = 0, first = 0;
  for (int64_t py = 0; py < w->stride[1]; py++)
    for (int64_t kx = 0; kx < w->kernel[2]; kx++) {
      const int64_t dx = kx * w->dilation[2];
      int64_t previous = -1;
      for (int64_t ky = 0; ky < w->kernel[1]; ky++) {
        const int64_t dy = ky * w->dilation[1], row = dy / w->stride[1];
        if (dy % w->stride[1] != py) continue;
        if (previous < 0 || row != previous + 1 || runs[count - 1].count == longest_run) {
          const int64_t phase = py * p->count[1] + dx % w->stride[2];
          runs[count++] = (struct tap_run){phase * p->size + dx / w->stride[2] + row * p->width, 0, first};
        }
        runs[count - 1].count++;
        order[first++] = ky * w->kernel[2] + kx;
        previous = row;
      }
    }
  return count;
}

// Adds a run of `taps` taps to four rows of `chunks` chunks: each row of the phase is read once.
#define ADD_RUN(taps, chunks)                                                                      \
  case taps:                                                                                       \
    _Pragma("clang loop unroll(full)") for (int j = 0; j < rows_at_once + taps - 1; j++)           \
      _Pragma("clang loop unroll(full)") for (int c = 0; c < chunks; c++) {                        \
        const chunk_vector value = LOAD(at + j * p.width + c * chunk);                             \
        _Pragma("clang loop unroll(full)") for (int r = 0; r < rows_at_once; r++)                  \
            if (j - r >= 0 && j - r < taps) sum[r][c] += weight[j - r] * value;                    \
      }                                                                                            \
    break

// Four rows of the result in `chunks` chunks, from chunk `index` on.
#define CONVOLVE_ROWS(chunks, index)                                                               \
  do {                                                                                             \
    const int64_t column = row_chunk_start(&w, index);                                             \
    chunk_vector sum[rows_at_once][chunks];                                                        \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows_at_once; r++)                      \
        _Pragma("clang loop unroll(full)") for (int c = 0; c < chunks; c++) sum[r][c] =            \
            (chunk_vector){0} + bias;                                                              \
    for (const struct tap_run *run = runs; run < runs + run_count; run++) {                        \
      const float *at = phases + run->offset + row * p.width + column;                             \
      const float *weight = weights + run->first;                                                  \
      switch (run->count) {                                                                        \
        ADD_RUN(1, chunks);                                                                        \
        ADD_RUN(2, chunks);                                                                        \
        ADD_RUN(3, chunks);                                                                        \
        ADD_RUN(4, chunks);                                                                        \
        ADD_RUN(5, chunks);                                                                        \
        ADD_RUN(6, chunks);                                                                        \
        ADD_RUN(7, chunks);                                                                        \
      }                                                                                            \
    }                                                                                              \
    _Pragma("clang loop unroll(full)") for (int r = 0; r < rows_at_once; r++)                      \
      _Pragma("clang loop unroll(full)") for (int c = 0; c < chunks; c++) {                        \
        const int64_t from = (row + r) * width + column + c * chunk;                               \
        chunk_vector value = sum[r][c];                                                            \
        if (row + r >= last_row) break;                                                              \
        if (width < chunk && from + chunk > last_row * width) {                                                \
          float last[chunk];                                                                       \
          STORE(last, value);                                                                      \
          finish_row(last, width, 0, 0, residual ? residual + from : 0, low, high, to + from);     \
          continue;                                                                                \
        }                                                                                          \
        /* The excess of a narrow row is overwritten by the next one. */                           \
        if (residual) value += LOAD(residual + from);                                              \
        value = CHOOSE(chunk_vector, low > value, (chunk_vector){0} + low, value);                 \
        STORE(to + from, CHOOSE(chunk_vector, high < value, (chunk_vector){0} + high, value));     \
      }                                                                                            \
  } while (0)

WIDE_SIMD_KERNEL static void depthwise_phases(
    const float *x, const float *filters, const struct sliding_window *window,
    const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch) {
  const struct sliding_window w = *window;
  const struct phases p = make_phases(&w);
  const int64_t taps = w.kernel[1] * w.kernel[2], input_area = w.input[1] * w.input[2];
  // The tables, from the widest elements to the narrowest; then the phases.
  struct tap_run *runs = (struct tap_run *)scratch;
  int64_t *order = (int64_t *)(runs + taps);
  float *weights = (float *)(order + taps), *phases = weights + taps;
  const int64_t run_count = make_runs(&w, &p, runs, order);
  const int64_t width = w.output[2], area = w.output[1] * width, last_row = planes->last_row;
  const float low = epilogue->low, high = epilogue->high;

  int64_t filled = -1;
  for (int64_t index = planes->first; index < planes->last; index++) {
    const int64_t channel = index % planes->channels, input = index / planes->per_input;
    if (input != filled) {
      for (int64_t py = 0; py < p.count[0]; py++)
        for (int64_t px = 0; px < p.count[1]; px++)
          fill_phase(x + input * input_area, planes->end, &w, &p, py, px, phases + (py * p.count[1] + px) * p.size);
      filled = input;
    }
    const unaligned_float *filter = (const unaligned_float *)(filters + channel * taps);
    for (int64_t t = 0; t < taps; t++) weights[t] = filter[order[t]];
    const float bias = epilogue->bias ? epilogue->bias[channel] : 0;
    const float *residual = epilogue->residual ? epilogue->residual + index * area : 0;
    float *to = y + index * area;
    for (int64_t row = planes->first_row; row < last_row; row += rows_at_once) {
      int64_t next = 0;
      for (; (next + 2) * chunk <= width; next += 2) CONVOLVE_ROWS(2, next);
      for (; next * chunk < width; next++) CONVOLVE_ROWS(1, next);
    }
  }
}

void depthwise(
    const float *x, const float *filters, const struct sliding_window *window,
    const struct depthwise_planes *planes, const struct tile_epilogue *epilogue, float *y, float *scratch) {
  if (depthwise_follows_rows(window)) {
    depthwise_rows(x, filters, window, planes, epilogue, y, scratch);
  } else {
    depthwise_phases(x, filters, window, planes, epilogue, y, scratch);
  }
}

// Each phase of dx is a sum of shifts of dy, with the taps that fall into that phase.
SIMD_KERNEL void depthwise_gradient(
    const float *dy, const float *filter, const struct sliding_window *window, int add, float *dx, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t reach_y = (w.kernel[1] - 1) * w.dilation[1] / w.stride[1];
  const int64_t reach_x = (w.kernel[2] - 1) * w.dilation[2] / w.stride[2];
  // dy with zeros before and after, so that every shift stays inside.
  const int64_t wide = w.output[2] + reach_x + 1, tall = w.output[1] + 2 * reach_y + 1;
  const int64_t room = (tall * wide + wide * 2 + 2 * block) & ~(int64_t)(chunk - 1);
  float *padded = scratch, *flat = scratch + room;
  memset(padded, 0, room * sizeof(float));
  for (int64_t row = 0; row < w.output[1]; row++)
    memcpy(padded + (row + reach_y) * wide + reach_x, dy + row * w.output[2], w.output[2] * sizeof(float));

  const int64_t rows = w.output[1] + reach_y + 1;
  const int64_t count = (rows * wide + block - 1) / block * block;
  for (int64_t py = 0; py < w.stride[1]; py++)
    for (int64_t px = 0; px < w.stride[2]; px++) {
      for (int64_t i = 0; i < count; i += block) {
        float sum[block];
        for (int j = 0; j < block; j++) sum[j] = 0;
        for (int64_t ky = 0; ky < w.kernel[1]; ky++) {
          int64_t oy = ky * w.dilation[1];
          if (oy % w.stride[1] != py) continue;
          for (int64_t kx = 0; kx < w.kernel[2]; kx++) {
            int64_t ox = kx * w.dilation[2];
            if (ox % w.stride[2] != px) continue;
            const float weight = filter[ky * w.kernel[2] + kx];
            const int64_t shift = (reach_y - oy / w.stride[1]) * wide + reach_x - ox / w.stride[2];
            const float *restrict run = padded + i + shift;
            for (int j = 0; j < block; j++) sum[j] += weight * run[j];
          }
        }
        for (int j = 0; j < block; j++) flat[i + j] = sum[j];
      }
      for (int64_t row = 0; row < rows; row++) {
        int64_t h = row * w.stride[1] + py - w.pad[1];
        if (h < 0 || h >= w.input[1]) continue;
        for (int64_t i = 0; i < wide; i++) {
          int64_t x = i * w.stride[2] + px - w.pad[2];
          if (x < 0 || x >= w.input[2]) continue;
          float *to = dx + h * w.input[2] + x;
          *to = flat[row * wide + i] + (add ? *to : 0);
        }
      }
    }
}
