#include "deformable.h"

#include <math.h>
#include <stddef.h>

// Where a sample lies: its upper left neighbour and the distance from it.
struct place {
  int64_t row, column;
  float down, right;
  int inside;
};

static inline struct place locate(const struct sliding_window *w, const float *offset, int64_t cell, int64_t output) {
  const int64_t outputs = w->output[1] * w->output[2];
  const int64_t row = window_origin(w, 1, output / w->output[2]) + cell / w->kernel[2] * w->dilation[1];
  const int64_t column = window_origin(w, 2, output % w->output[2]) + cell % w->kernel[2] * w->dilation[2];
  const float y = (float)row + offset[2 * cell * outputs + output];
  const float x = (float)column + offset[(2 * cell + 1) * outputs + output];
  struct place place = {0};
  place.inside = y > -1 && x > -1 && y < (float)w->input[1] && x < (float)w->input[2];
  if (!place.inside) return place;
  place.row = (int64_t)floorf(y);
  place.column = (int64_t)floorf(x);
  place.down = y - floorf(y);
  place.right = x - floorf(x);
  return place;
}

// The element at a distance from the upper left neighbour; zero outside.
static inline float neighbour(const float *x, const struct sliding_window *w, struct place p, int down, int right) {
  const int64_t row = p.row + down, column = p.column + right;
  if (row < 0 || row >= w->input[1] || column < 0 || column >= w->input[2]) return 0;
  return x[row * w->input[2] + column];
}

static inline float sample(const float *x, const struct sliding_window *w, struct place p) {
  const float top = (1 - p.right) * neighbour(x, w, p, 0, 0) + p.right * neighbour(x, w, p, 0, 1);
  const float bottom = (1 - p.right) * neighbour(x, w, p, 1, 0) + p.right * neighbour(x, w, p, 1, 1);
  return (1 - p.down) * top + p.down * bottom;
}

static inline void spread(float *dx, const struct sliding_window *w, struct place p, int down, int right, float value) {
  const int64_t row = p.row + down, column = p.column + right;
  if (row < 0 || row >= w->input[1] || column < 0 || column >= w->input[2]) return;
  dx[row * w->input[2] + column] += value;
}

void deform_columns(
    const float *x, const float *offset, const float *mask, const struct sliding_window *w, float *columns) {
  const int64_t outputs = w->output[1] * w->output[2], cells = w->kernel[1] * w->kernel[2];
  for (int64_t cell = 0; cell < cells; cell++)
    for (int64_t output = 0; output < outputs; output++) {
      const struct place p = locate(w, offset, cell, output);
      const float value = p.inside ? sample(x, w, p) : 0;
      columns[cell * outputs + output] = mask ? value * mask[cell * outputs + output] : value;
    }
}

void deform_input_gradient(
    const float *columns_gradient, const float *offset, const float *mask, const struct sliding_window *w, float *dx) {
  const int64_t outputs = w->output[1] * w->output[2], cells = w->kernel[1] * w->kernel[2];
  for (int64_t cell = 0; cell < cells; cell++)
    for (int64_t output = 0; output < outputs; output++) {
      const struct place p = locate(w, offset, cell, output);
      if (!p.inside) continue;
      const float value = columns_gradient[cell * outputs + output] * (mask ? mask[cell * outputs + output] : 1);
      spread(dx, w, p, 0, 0, (1 - p.down) * (1 - p.right) * value);
      spread(dx, w, p, 0, 1, (1 - p.down) * p.right * value);
      spread(dx, w, p, 1, 0, p.down * (1 - p.right) * value);
      spread(dx, w, p, 1, 1, p.down * p.right * value);
    }
}

void deform_parameter_gradient(
    const float *x, const float *columns_gradient, int64_t channels, const float *offset, const float *mask,
    const struct sliding_window *w, int64_t cell, float *offset_gradient, float *mask_gradient) {
  const int64_t outputs = w->output[1] * w->output[2], cells = w->kernel[1] * w->kernel[2];
  const int64_t plane = w->input[1] * w->input[2];
  for (int64_t output = 0; output < outputs; output++) {
    const struct place p = locate(w, offset, cell, output);
    float down = 0, right = 0, value = 0;
    for (int64_t channel = 0; p.inside && channel < channels; channel++) {
      const float *from = x + channel * plane;
      const float gradient = columns_gradient[(channel * cells + cell) * outputs + output];
      const float a = neighbour(from, w, p, 0, 0), b = neighbour(from, w, p, 0, 1);
      const float c = neighbour(from, w, p, 1, 0), d = neighbour(from, w, p, 1, 1);
      down += gradient * ((1 - p.right) * (c - a) + p.right * (d - b));
      right += gradient * ((1 - p.down) * (b - a) + p.down * (d - c));
      value += gradient * sample(from, w, p);
    }
    const float factor = mask ? mask[cell * outputs + output] : 1;
    if (offset_gradient) {
      offset_gradient[output] = down * factor;
      offset_gradient[outputs + output] = right * factor;
    }
    if (mask_gradient) mask_gradient[output] = value;
  }
}
