#ifndef CKERNELS_WINDOW_H
#define CKERNELS_WINDOW_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

// A window that slides over three spatial dimensions (depth, height, width; extents of 1 if there are fewer).
// Input coordinate = output coordinate × stride − pad + kernel coordinate × dilation.
struct sliding_window {
  int64_t input[3];
  int64_t output[3];
  int64_t kernel[3];
  int64_t stride[3];
  int64_t dilation[3];
  int64_t pad[3];      // before the first element
  int64_t pad_end[3];  // after the last
};

// The positions of one spatial extent: input, output and kernel.
static inline int64_t volume(const int64_t extent[3]) { return extent[0] * extent[1] * extent[2]; }

static inline int64_t window_origin(const struct sliding_window *w, int axis, int64_t output) {
  return output * w->stride[axis] - w->pad[axis];
}

// The quotient, rounded up if it is positive, else towards zero; the commonest divisors need no division.
static inline int64_t divide_up(int64_t a, int64_t b) {
  if (b == 1) return a;
  return a > 0 ? (b == 2 ? (a + 1) >> 1 : (a + b - 1) / b) : a / b;
}

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// The outputs [first, last) along an axis whose input at one kernel coordinate lies inside the tensor.
static inline void covered_outputs(
    const struct sliding_window *w, int axis, int64_t kernel, int64_t *first, int64_t *last) {
  int64_t shift = kernel * w->dilation[axis] - w->pad[axis];
  *first = smaller(larger(divide_up(-shift, w->stride[axis]), 0), w->output[axis]);
  int64_t behind = w->input[axis] - shift;
  *last = behind <= 0 ? *first : larger(smaller(divide_up(behind, w->stride[axis]), w->output[axis]), *first);
}

#pragma GCC visibility pop

#endif
