#include "reduction.h"

#include "vectormath.h"

enum { block = 64 };

// The number of elements that are summed in float, in many lanes, before the sum is added to a double.
enum { stretch = 256 };

// One row is summed in many lanes; adjacent columns keep one accumulator each.
#define REDUCTION(name, type, start, step, row_result) \
  SIMD_KERNEL void reduce_##name(const unaligned_float *x, float *y, size_t count, size_t stride, size_t columns) { \
    FAST_FLOAT_MATH \
    if (columns == 1 && stride == 1) { \
      y[0] = (row_result); \
      return; \
    } \
    for (size_t first = 0; first < columns; first += block) { \
      const size_t width = columns - first < block ? columns - first : block; \
      type sums[block]; \
      for (size_t j = 0; j < width; j++) sums[j] = start; \
      for (size_t i = 0; i < count; i++) { \
        const unaligned_float *row = x + i * stride + first; \
        for (size_t j = 0; j < width; j++) { \
          const float v = row[j]; \
          const type sum = sums[j]; \
          sums[j] = (step); \
        } \
      } \
      for (size_t j = 0; j < width; j++) y[first + j] = (float)sums[j]; \
    } \
  }

#define SUM(name, start, step) \
  SIMD_INLINE float name##_row(const unaligned_float *x, size_t count) { \
    FAST_FLOAT_MATH \
    double sum = start; \
    for (size_t i = 0; i < count; i++) { \
      const float v = x[i]; \
      sum = (step); \
    } \
    return (float)sum; \
  } \
  REDUCTION(name, double, start, step, name##_row(x, count))

SUM(sum, 0, sum + v)
SUM(l1, 0, sum + fabsf(v))
SUM(sum_square, 0, sum + (double)v * v)
SUM(product, 1, sum *v)

SIMD_INLINE float larger(float a, float b) { return b > a || b != b ? b : a; }
SIMD_INLINE float smaller(float a, float b) { return b < a || b != b ? b : a; }

enum { lanes = 16 };

// The compiler does not split a row's maximum into lanes by itself, because of NaN.
#define ROW_EXTREMUM(name, start, pick) \
  SIMD_INLINE float name##_row(const unaligned_float *x, size_t count) { \
    float best[lanes]; \
    for (size_t j = 0; j < lanes; j++) best[j] = start; \
    size_t i = 0; \
    for (; i + lanes <= count; i += lanes) \
      for (size_t j = 0; j < lanes; j++) best[j] = pick(best[j], x[i + j]); \
    for (size_t j = 0; i < count; i++, j++) best[j] = pick(best[j], x[i]); \
    for (size_t width = lanes / 2; width > 0; width /= 2) \
      for (size_t j = 0; j < width; j++) best[j] = pick(best[j], best[j + width]); \
    return best[0]; \
  }

ROW_EXTREMUM(max, -INFINITY, larger)
ROW_EXTREMUM(min, INFINITY, smaller)
REDUCTION(max, float, -INFINITY, larger(sum, v), max_row(x, count))
REDUCTION(min, float, INFINITY, smaller(sum, v), min_row(x, count))

SIMD_KERNEL void reduce_log_sum_exp(const unaligned_float *x, float *y, size_t count, size_t stride, size_t columns) {
  FAST_FLOAT_MATH
  for (size_t first = 0; first < columns; first += block) {
    const size_t width = columns - first < block ? columns - first : block;
    float offsets[block];
    double sums[block];
    reduce_max(x + first, offsets, count, stride, width);
    for (size_t j = 0; j < width; j++) {
      // An infinite maximum cannot be an offset: ∞ − ∞ is NaN.
      if (isinf(offsets[j])) offsets[j] = 0;
      sums[j] = 0;
    }
    if (width == 1 && stride == 1) {
      const float offset = offsets[0];
      double sum = 0;
      for (size_t i = 0; i < count; i++) sum += vector_exp(x[first + i] - offset);
      sums[0] = sum;
    } else {
      for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < width; j++) sums[j] += vector_exp(x[i * stride + first + j] - offsets[j]);
    }
    for (size_t j = 0; j < width; j++) y[first + j] = (float)(offsets[j] + log(sums[j]));
  }
}

SIMD_KERNEL void softmax_row(const float *x, float *y, size_t count) {
  FAST_FLOAT_MATH
  const float largest = max_row(x, count);
  double sum = 0;
  for (size_t start = 0; start < count; start += stretch) {
    const size_t end = count - start < stretch ? count : start + stretch;
    float part = 0;
    // One vector at a time: the rows of attention are short, and the remainder costs most.
    _Pragma("clang loop vectorize(assume_safety) interleave_count(1)") for (size_t i = start; i < end; i++) {
      const float e = vector_exp(x[i] - largest);
      y[i] = e;
      part += e;
    }
    sum += part;
  }
  const float factor = (float)(1 / sum);
  for (size_t i = 0; i < count; i++) y[i] *= factor;
}

SIMD_KERNEL void log_softmax_row(const float *x, float *y, size_t count) {
  FAST_FLOAT_MATH
  const float largest = max_row(x, count);
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += vector_exp(x[i] - largest);
  const float offset = (float)log(sum);
  INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++) y[i] = (x[i] - largest) - offset;
}

SIMD_KERNEL void softmax_gradient_row(const float *y, const float *dy, float *dx, size_t count) {
  FAST_FLOAT_MATH
  double dot = 0;
  for (size_t i = 0; i < count; i++) dot += (double)y[i] * dy[i];
  const float offset = (float)dot;
  INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++) dx[i] = y[i] * (dy[i] - offset);
}

SIMD_KERNEL void log_softmax_gradient_row(const float *y, const float *dy, float *dx, size_t count) {
  FAST_FLOAT_MATH
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += dy[i];
  const float factor = (float)sum;
  INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++) dx[i] = dy[i] - vector_exp(y[i]) * factor;
}

SIMD_KERNEL struct row_statistics normalization_statistics(
  const unaligned_float *x, size_t count, float epsilon, int centred) {
  FAST_FLOAT_MATH
  double sum = 0, square = 0;
  if (centred)
    for (size_t start = 0; start < count; start += stretch) {
      const size_t end = count - start < stretch ? count : start + stretch;
      float part = 0;
      for (size_t i = start; i < end; i++) part += x[i];
      sum += part;
    }
  const float mean = (float)(sum / (double)count);
  for (size_t start = 0; start < count; start += stretch) {
    const size_t end = count - start < stretch ? count : start + stretch;
    float part = 0;
    for (size_t i = start; i < end; i++) part += (x[i] - mean) * (x[i] - mean);
    square += part;
  }
  const struct row_statistics result = {mean, (float)(1 / sqrt(square / (double)count + epsilon))};
  return result;
}

SIMD_KERNEL void normalize_row(const unaligned_float *x, float *y, size_t count, struct row_statistics statistics) {
  INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++) y[i] = (x[i] - statistics.mean) * statistics.factor;
}

SIMD_KERNEL void normalization_gradient_row(
  const unaligned_float *x, const float *dy, float *dx, size_t count, struct row_statistics statistics, int centred,
  float mean_gradient, float factor_gradient) {
  FAST_FLOAT_MATH
  const float mean = statistics.mean, factor = statistics.factor;
  double sum = 0, dot = 0;
  for (size_t i = 0; i < count; i++) {
    sum += dy[i];
    dot += (double)dy[i] * ((x[i] - mean) * factor);
  }
  const double n = (double)count;
  const float constant = (float)((centred ? mean_gradient - factor * sum : 0) / n);
  const float slope = (float)(-(factor * dot + (double)factor_gradient * factor * factor) / n);
  INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++)
    dx[i] = factor * dy[i] + constant + slope * ((x[i] - mean) * factor);
}

// Σ x² over the window around channel c, for the columns of a block.
SIMD_INLINE void window_squares(const float *x, size_t c, size_t width, struct response_window form, float *squares) {
  const size_t first = c < form.before ? 0 : c - form.before;
  const size_t rest = form.channels - c - 1, last = c + (rest < form.after ? rest : form.after);
  for (size_t j = 0; j < width; j++) squares[j] = 0;
  for (size_t k = first; k <= last; k++)
    for (size_t j = 0; j < width; j++) squares[j] += x[k * form.area + j] * x[k * form.area + j];
}

SIMD_KERNEL void local_response(const float *x, float *y, size_t start, size_t end, struct response_window form) {
  for (size_t first = start; first < end; first += block) {
    const size_t width = end - first < block ? end - first : block;
    float squares[block];
    for (size_t c = 0; c < form.channels; c++) {
      window_squares(x + first, c, width, form, squares);
      const size_t at = c * form.area + first;
      INDEPENDENT_ITERATIONS for (size_t j = 0; j < width; j++)
        y[at + j] = x[at + j] * vector_exp(-form.beta * vector_log(form.bias + form.scale * squares[j]));
    }
  }
}

SIMD_KERNEL void local_response_gradient(
  const float *x, const float *dy, float *dx, size_t start, size_t end, struct response_window form) {
  for (size_t first = start; first < end; first += block) {
    const size_t width = end - first < block ? end - first : block;
    for (size_t c = 0; c < form.channels; c++)
      for (size_t j = 0; j < width; j++) dx[c * form.area + first + j] = 0;
    float squares[block];
    for (size_t c = 0; c < form.channels; c++) {
      window_squares(x + first, c, width, form, squares);
      const size_t at = c * form.area + first;
      const size_t low = c < form.before ? 0 : c - form.before;
      const size_t rest = form.channels - c - 1, high = c + (rest < form.after ? rest : form.after);
      float common[block];
      INDEPENDENT_ITERATIONS for (size_t j = 0; j < width; j++) {
        const float s = form.bias + form.scale * squares[j], power = vector_exp(-form.beta * vector_log(s));
        dx[at + j] += dy[at + j] * power;
        common[j] = -2 * form.scale * form.beta * dy[at + j] * x[at + j] * power / s;
      }
      for (size_t k = low; k <= high; k++)
        INDEPENDENT_ITERATIONS for (size_t j = 0; j < width; j++)
          dx[k * form.area + first + j] += common[j] * x[k * form.area + first + j];
    }
  }
}
