// Reductions and normalisations over rows.
#ifndef CKERNELS_REDUCTION_H
#define CKERNELS_REDUCTION_H

#include <stddef.h>

#include "simd.h"

#pragma GCC visibility push(hidden)

// Reduces `count` elements that lie `stride` apart, for `columns` neighbours: y[j] = Σ f(x[i·stride + j]).
// Sums and products are kept in double precision.
#define REDUCTION(name) \
  void reduce_##name(const unaligned_float *x, float *y, size_t count, size_t stride, size_t columns);

REDUCTION(sum) REDUCTION(l1) REDUCTION(sum_square) REDUCTION(product)
// NaN propagates.
REDUCTION(max) REDUCTION(min)
// log Σ exp, safe against overflow.
REDUCTION(log_sum_exp)

#undef REDUCTION

// Softmax of one row and its logarithm; x and y may be the same.
void softmax_row(const float *x, float *y, size_t count);
void log_softmax_row(const float *x, float *y, size_t count);
// Their gradients from the result; dy and dx may be the same.
void softmax_gradient_row(const float *y, const float *dy, float *dx, size_t count);
void log_softmax_gradient_row(const float *y, const float *dy, float *dx, size_t count);

// The statistics that normalise a row: y = (x − mean)·factor.
struct row_statistics {
  float mean, factor;
};

// The mean (0 if it is not `centred`) and 1/√(mean square deviation + epsilon) of a row.
struct row_statistics normalization_statistics(const unaligned_float *x, size_t count, float epsilon, int centred);
// x and y may be the same.
void normalize_row(const unaligned_float *x, float *y, size_t count, struct row_statistics statistics);
// The gradient of a row from that of its normalised elements, of its mean and of its factor; dy and dx may be the same.
void normalization_gradient_row(
  const unaligned_float *x, const float *dy, float *dx, size_t count, struct row_statistics statistics, int centred,
  float mean_gradient, float factor_gradient);

// Local response normalisation of one image of `channels` planes of `area` elements, over `before` channels before, the
// channel itself and `after` channels after it: y = x·s^−beta with s = bias + scale·Σ x².
struct response_window {
  size_t channels, area, before, after;
  float scale, beta, bias;
};

// Handles the columns `start`..<`end` of every plane.
void local_response(const float *x, float *y, size_t start, size_t end, struct response_window form);
void local_response_gradient(
  const float *x, const float *dy, float *dx, size_t start, size_t end, struct response_window form);

#pragma GCC visibility pop

#endif
