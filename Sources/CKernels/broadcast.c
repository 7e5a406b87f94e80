#include "broadcast.h"

#include "vectormath.h"

// A loop over one row for each way in which the operands can broadcast along it.
#define BINARY_LOOPS(name, result, hint, expression) \
  SIMD_KERNEL void name##_tile( \
    const unaligned_float *a, const unaligned_float *b, result *y, struct broadcast_tile tile) { \
    const size_t columns = tile.columns; \
    for (size_t r = 0; r < tile.rows; r++, a += tile.row[0], b += tile.row[1], y += columns) { \
      if (tile.column[0] == 0 && tile.column[1] == 0) { \
        const float p = a[0], q = b[0]; \
        const result value = (expression); \
        for (size_t i = 0; i < columns; i++) y[i] = value; \
      } else if (tile.column[0] == 0) { \
        const float p = a[0]; \
        hint for (size_t i = 0; i < columns; i++) { \
          const float q = b[i]; \
          y[i] = (expression); \
        } \
      } else if (tile.column[1] == 0) { \
        const float q = b[0]; \
        hint for (size_t i = 0; i < columns; i++) { \
          const float p = a[i]; \
          y[i] = (expression); \
        } \
      } else { \
        hint for (size_t i = 0; i < columns; i++) { \
          const float p = a[i], q = b[i]; \
          y[i] = (expression); \
        } \
      } \
    } \
  }

#define BINARY(name, expression) BINARY_LOOPS(name, float, INDEPENDENT_ITERATIONS, expression)
#define BINARY_CALL(name, expression) BINARY_LOOPS(name, float, , expression)
#define COMPARISON(name, expression) BINARY_LOOPS(name, uint8_t, INDEPENDENT_ITERATIONS, expression)

enum { block = 256 };

// An operand's elements for a block of a row, contiguous.
SIMD_INLINE const unaligned_float *spread(const unaligned_float *operand, size_t step, size_t count, float *buffer) {
  if (step) return operand;
  const float value = operand[0];
  for (size_t i = 0; i < count; i++) buffer[i] = value;
  return buffer;
}

#define TERNARY_LOOPS(name, hint, expression) \
  SIMD_KERNEL void name##_tile( \
    const unaligned_float *a, const unaligned_float *b, const unaligned_float *c, float *y, \
    struct broadcast_tile tile) { \
    float buffers[3][block]; \
    for (size_t r = 0; r < tile.rows; r++, a += tile.row[0], b += tile.row[1], c += tile.row[2]) { \
      for (size_t start = 0; start < tile.columns; start += block, y += block) { \
        const size_t rest = tile.columns - start, count = rest < block ? rest : block; \
        const unaligned_float *as = spread(a + start * tile.column[0], tile.column[0], count, buffers[0]); \
        const unaligned_float *bs = spread(b + start * tile.column[1], tile.column[1], count, buffers[1]); \
        const unaligned_float *cs = spread(c + start * tile.column[2], tile.column[2], count, buffers[2]); \
        hint for (size_t i = 0; i < count; i++) { \
          const float p = as[i], q = bs[i], g = cs[i]; \
          (void)p, (void)q, (void)g; \
          y[i] = (expression); \
        } \
        if (count < block) y += (ptrdiff_t)count - block; \
      } \
    } \
  }

#define TERNARY(name, expression) TERNARY_LOOPS(name, INDEPENDENT_ITERATIONS, expression)
#define TERNARY_CALL(name, expression) TERNARY_LOOPS(name, , expression)

BINARY(add, p + q)
BINARY(subtract, p - q)
BINARY(multiply, p *q)
BINARY(divide, p / q)

// y = x^exponent; the exponents that are common in networks need no call.
SIMD_INLINE void power_row(const unaligned_float *x, float exponent, float *y, size_t count) {
#define ROW(hint, expression) \
  hint for (size_t i = 0; i < count; i++) { \
    const float v = x[i]; \
    y[i] = (expression); \
  }
  if (exponent == 2) {
    ROW(INDEPENDENT_ITERATIONS, v *v)
  } else if (exponent == 1) {
    ROW(INDEPENDENT_ITERATIONS, v)
  } else if (exponent == 3) {
    ROW(INDEPENDENT_ITERATIONS, v *v *v)
  } else if (exponent == 0.5f) {
    ROW(INDEPENDENT_ITERATIONS, v == 0 ? 0 : __builtin_elementwise_sqrt(v))
  } else if (exponent == -0.5f) {
    ROW(INDEPENDENT_ITERATIONS, v == 0 ? INFINITY : 1 / __builtin_elementwise_sqrt(v))
  } else if (exponent == -1) {
    ROW(INDEPENDENT_ITERATIONS, 1 / v)
  } else {
    ROW(, powf(v, exponent))
  }
#undef ROW
}

SIMD_KERNEL void power_tile(const unaligned_float *a, const unaligned_float *b, float *y, struct broadcast_tile tile) {
  for (size_t r = 0; r < tile.rows; r++, a += tile.row[0], b += tile.row[1], y += tile.columns) {
    if (tile.column[1] == 0 && tile.column[0] == 1)
      power_row(a, b[0], y, tile.columns);
    else
      for (size_t i = 0; i < tile.columns; i++) y[i] = powf(a[i * tile.column[0]], b[i * tile.column[1]]);
  }
}

SIMD_INLINE float modulo(float x, float y) {
  const float r = fmodf(x, y);
  return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

BINARY_CALL(remainder, fmodf(p, q))
BINARY_CALL(modulo, modulo(p, q))
BINARY(minimum, p < q || p != p ? p : q)
BINARY(maximum, p > q || p != p ? p : q)
BINARY(prelu, p > 0 ? p : p * q)
COMPARISON(equal, p == q)
COMPARISON(less, p < q)
COMPARISON(less_or_equal, p <= q)

TERNARY(multiply_add, p *q + g)
TERNARY(add_equal, g + (p == q ? 1 : 0))
TERNARY(pass, g)
TERNARY(negate, -g)
TERNARY(multiply_a, g *q)
TERNARY(multiply_b, g *p)
TERNARY(divide_a, g / q)
TERNARY(divide_b, -g *p / (q * q))
TERNARY_CALL(power_a_any, q == 0 ? 0 : g * q * powf(p, q - 1))

// Rows with a single exponent, as nearly all have, need no calls.
SIMD_KERNEL void power_a_tile(
  const unaligned_float *a, const unaligned_float *b, const unaligned_float *c, float *y, struct broadcast_tile tile) {
  if (tile.column[0] == 0 || tile.column[1] != 0 || tile.column[2] == 0) {
    power_a_any_tile(a, b, c, y, tile);
    return;
  }
  float powers[block];
  for (size_t r = 0; r < tile.rows; r++, a += tile.row[0], b += tile.row[1], c += tile.row[2], y += tile.columns) {
    const float exponent = b[0];
    for (size_t start = 0; start < tile.columns; start += block) {
      const size_t rest = tile.columns - start, count = rest < block ? rest : block;
      power_row(a + start, exponent - 1, powers, count);
      INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++)
        y[start + i] = exponent == 0 ? 0 : c[start + i] * exponent * powers[i];
    }
  }
}

// 0 at base 0, where the logarithm has no value, as in PyTorch.
TERNARY_CALL(power_b, p == 0 && q >= 0 ? 0 : g * powf(p, q) * logf(p))
TERNARY_CALL(remainder_b, -g *truncf(p / q))
TERNARY_CALL(modulo_b, -g *floorf(p / q))
TERNARY(prelu_a, p > 0 ? g : g * q)
TERNARY(prelu_b, p > 0 ? 0 : g * p)
TERNARY(pass_equal, p == q ? g : 0)
TERNARY(l1_gradient, p > 0 ? g : p < 0 ? -g : 0)
TERNARY(l2_gradient, q == 0 ? 0 : g * p / q)
TERNARY(sum_square_gradient, 2 * g * p)
TERNARY(log_sum_gradient, g *vector_exp(-q))
TERNARY(log_sum_exp_gradient, g *vector_exp(p - q))
TERNARY(product_gradient, p == 0 ? q : g / p)

#define SELECT(size, type) \
  typedef type __attribute__((aligned(1))) unaligned_##size; \
  SIMD_KERNEL void select_##size##_tile( \
    const uint8_t *condition, const void *a, const void *b, void *y, struct broadcast_tile tile) { \
    const unaligned_##size *as = a, *bs = b; \
    type *out = y; \
    for (size_t r = 0; r < tile.rows; r++) { \
      for (size_t i = 0; i < tile.columns; i++) \
        out[i] = condition[i * tile.column[0]] ? as[i * tile.column[1]] : bs[i * tile.column[2]]; \
      condition += tile.row[0], as += tile.row[1], bs += tile.row[2], out += tile.columns; \
    } \
  }

SELECT(1, uint8_t)
SELECT(4, uint32_t)
SELECT(8, uint64_t)

SIMD_KERNEL void select_gradient_tile(
  const uint8_t *condition, const float *c, float *y, uint8_t holds, struct broadcast_tile tile) {
  for (size_t r = 0; r < tile.rows; r++, condition += tile.row[0], c += tile.row[1], y += tile.columns)
    for (size_t i = 0; i < tile.columns; i++)
      y[i] = (condition[i * tile.column[0]] != 0) == holds ? c[i * tile.column[1]] : 0;
}
