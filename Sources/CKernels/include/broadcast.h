// Functions of several broadcast tensors, computed tile by tile.
#ifndef CKERNELS_BROADCAST_H
#define CKERNELS_BROADCAST_H

#include <stddef.h>
#include <stdint.h>

#include "simd.h"

#pragma GCC visibility push(hidden)

// A block of a dense result, and the strides of each operand's elements for it: at row·r + column·c, column 0 or 1.
// The result may overwrite an operand that does not broadcast.
struct broadcast_tile {
  size_t rows, columns;
  size_t row[3], column[3];
};

#define BINARY(name) \
  void name##_tile(const unaligned_float *a, const unaligned_float *b, float *y, struct broadcast_tile tile);
#define COMPARISON(name) \
  void name##_tile(const unaligned_float *a, const unaligned_float *b, uint8_t *y, struct broadcast_tile tile);
#define TERNARY(name) \
  void name##_tile( \
    const unaligned_float *a, const unaligned_float *b, const unaligned_float *c, float *y, \
    struct broadcast_tile tile);

BINARY(add) BINARY(subtract) BINARY(multiply) BINARY(divide) BINARY(power)
// The remainder with the sign of the dividend, and with that of the divisor.
BINARY(remainder) BINARY(modulo)
// NaN propagates.
BINARY(minimum) BINARY(maximum)
// a if a > 0, else a·b.
BINARY(prelu)
COMPARISON(equal) COMPARISON(less) COMPARISON(less_or_equal)

// a·b + c
TERNARY(multiply_add)
// c + 1 if a = b, else c.
TERNARY(add_equal)

// Gradients of functions of a and b with respect to the one named last, c being the gradient of the result.
TERNARY(pass) TERNARY(negate)
TERNARY(multiply_a) TERNARY(multiply_b)
TERNARY(divide_a) TERNARY(divide_b)
TERNARY(power_a) TERNARY(power_a_any) TERNARY(power_b)
TERNARY(remainder_b) TERNARY(modulo_b)
TERNARY(prelu_a) TERNARY(prelu_b)

// Gradients of reductions: a is the argument, b the result, c the gradient of the result.
TERNARY(pass_equal)
TERNARY(l1_gradient) TERNARY(l2_gradient) TERNARY(sum_square_gradient)
TERNARY(log_sum_gradient) TERNARY(log_sum_exp_gradient)
// b if a = 0, else c / a.
TERNARY(product_gradient)

// y = condition ? a : b for elements of 1, 4 and 8 bytes.
#define SELECT(size) \
  void select_##size##_tile( \
    const uint8_t *condition, const void *a, const void *b, void *y, struct broadcast_tile tile);
SELECT(1) SELECT(4) SELECT(8)

// y = c if the condition is `holds`, else 0.
void select_gradient_tile(
  const uint8_t *condition, const float *c, float *y, uint8_t holds, struct broadcast_tile tile);

#undef BINARY
#undef COMPARISON
#undef TERNARY
#undef SELECT

#pragma GCC visibility pop

#endif
