#include "depthwise.h"

#include <string.h>

#include "simd.h"

// A plane convolved with stride s is split by the remainders of its padded coordinates into s × s phases. Inside a
// phase every filter tap is one shift, so that the whole output — rows as wide as a phase, with some columns too many
// — is a sum of shifted runs: long contiguous loops even where the map is only seven wide.
enum { lanes = 16, block = 4 * lanes };

struct phases {
  int64_t count[2];      // phases along height and width: the strides
  int64_t height, width; // extents of a phase
  int64_t size;          // floats of a phase, with room for reads past its end
};

static inline struct phases make_phases(const struct sliding_window *w) {
  struct phases p;
  p.count[0] = w->stride[1];
  p.count[1] = w->stride[2];
  p.height = w->output[1] + (w->kernel[1] - 1) * w->dilation[1] / w->stride[1];
  p.width = w->output[2] + (w->kernel[2] - 1) * w->dilation[2] / w->stride[2];
  p.size = (p.height * p.width + p.width + 2 * block) & ~(int64_t)(lanes - 1);
  return p;
}

static inline int64_t flat_output(const struct sliding_window *w, const struct phases *p) {
  return (w->output[1] * p->width + block - 1) / block * block;
}

int64_t depthwise_scratch(const struct sliding_window *w) {
  struct phases p = make_phases(w);
  int64_t backward_height = w->output[1] + 2 * ((w->kernel[1] - 1) * w->dilation[1] / w->stride[1]) + 1;
  int64_t backward_width = w->output[2] + (w->kernel[2] - 1) * w->dilation[2] / w->stride[2] + 1;
  int64_t forward = p.count[0] * p.count[1] * p.size + flat_output(w, &p);
  int64_t backward = 2 * (backward_height * backward_width + backward_width * 2 + 4 * block);
  return larger(forward, backward);
}

// to[i] = Σ over taps of weight × from[tap][i + …], for i below count, a multiple of `block`.
static inline void sum_of_shifts(
    const float *const *from, const float *weight, int64_t taps, int64_t count, float *restrict to) {
  for (int64_t i = 0; i < count; i += block) {
    float sum[block];
    for (int j = 0; j < block; j++) sum[j] = 0;
    for (int64_t t = 0; t < taps; t++) {
      const float *restrict run = from[t] + i;
      const float w = weight[t];
      for (int j = 0; j < block; j++) sum[j] += w * run[j];
    }
    for (int j = 0; j < block; j++) to[i + j] = sum[j];
  }
}

// Filters beyond this size go through the taps in several passes.
enum { taps_at_once = 64 };

SIMD_KERNEL void depthwise(
    const float *x, const float *filter, const struct sliding_window *window, float bias, float low, float high,
    float *y, float *scratch) {
  const struct sliding_window w = *window;
  const struct phases p = make_phases(&w);
  const int64_t height = w.input[1], width = w.input[2];
  memset(scratch, 0, p.count[0] * p.count[1] * p.size * sizeof(float));
  for (int64_t py = 0; py < p.count[0]; py++)
    for (int64_t px = 0; px < p.count[1]; px++) {
      float *phase = scratch + (py * p.count[1] + px) * p.size;
      int64_t first = larger(divide_up(w.pad[2] - px, w.stride[2]), 0);
      int64_t last = smaller(divide_up(width + w.pad[2] - px, w.stride[2]), p.width);
      for (int64_t row = 0; row < p.height; row++) {
        int64_t h = row * w.stride[1] + py - w.pad[1];
        if (h < 0 || h >= height) continue;
        const float *from = x + h * width + px - w.pad[2];
        float *to = phase + row * p.width;
        if (w.stride[2] == 1) {
          if (last > first) memcpy(to + first, from + first, (last - first) * sizeof(float));
        } else if (w.stride[2] == 2) {
          for (int64_t i = first; i < last; i++) to[i] = from[i * 2];
        } else {
          for (int64_t i = first; i < last; i++) to[i] = from[i * w.stride[2]];
        }
      }
    }

  float *flat = scratch + p.count[0] * p.count[1] * p.size;
  const int64_t count = flat_output(&w, &p), taps = w.kernel[1] * w.kernel[2];
  float partial[block];
  for (int64_t start = 0; start < taps; start += taps_at_once) {
    const float *from[taps_at_once];
    const int64_t end = smaller(start + taps_at_once, taps);
    for (int64_t t = start; t < end; t++) {
      int64_t dy = t / w.kernel[2] * w.dilation[1], dx = t % w.kernel[2] * w.dilation[2];
      const float *phase = scratch + (dy % w.stride[1] * p.count[1] + dx % w.stride[2]) * p.size;
      from[t - start] = phase + dy / w.stride[1] * p.width + dx / w.stride[2];
    }
    if (start == 0) {
      sum_of_shifts(from, filter, end, count, flat);
    } else {
      for (int64_t i = 0; i < count; i += block) {
        const float *at[taps_at_once];
        for (int64_t t = 0; t < end - start; t++) at[t] = from[t] + i;
        sum_of_shifts(at, filter + start, end - start, block, partial);
        for (int j = 0; j < block; j++) flat[i + j] += partial[j];
      }
    }
  }
  for (int64_t row = 0; row < w.output[1]; row++) {
    const float *from = flat + row * p.width;
    float *to = y + row * w.output[2];
    for (int64_t i = 0; i < w.output[2]; i++) {
      float value = from[i] + bias;
      value = value < low ? low : value;
      to[i] = value > high ? high : value;
    }
  }
}

// Each phase of dx is a sum of shifts of dy, with the taps that fall into that phase.
SIMD_KERNEL void depthwise_gradient(
    const float *dy, const float *filter, const struct sliding_window *window, int add, float *dx, float *scratch) {
  const struct sliding_window w = *window;
  const int64_t reach_y = (w.kernel[1] - 1) * w.dilation[1] / w.stride[1];
  const int64_t reach_x = (w.kernel[2] - 1) * w.dilation[2] / w.stride[2];
  // dy with zeros before and behind, so that every shift stays inside.
  const int64_t wide = w.output[2] + reach_x + 1, tall = w.output[1] + 2 * reach_y + 1;
  const int64_t room = (tall * wide + wide * 2 + 2 * block) & ~(int64_t)(lanes - 1);
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
