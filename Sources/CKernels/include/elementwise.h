#ifndef CKERNELS_ELEMENTWISE_H
#define CKERNELS_ELEMENTWISE_H

#include <stddef.h>

#include "simd.h"

#pragma GCC visibility push(hidden)

// Up to three constants of an elementwise function.
struct unary_parameters {
  float alpha, beta, gamma;
};

// y = f(x) over `count` elements; x and y may be the same.
#define UNARY_FORWARD(name) \
  void name##_forward(const unaligned_float *x, float *y, size_t count, struct unary_parameters parameters);

// dx = f'·dy; v holds f's argument x or its result y, as its name says. dy and dx may be the same.
#define UNARY_GRADIENT(name, v) \
  void name##_gradient( \
    const unaligned_float *v, const float *dy, float *dx, size_t count, struct unary_parameters parameters);

UNARY_FORWARD(relu) UNARY_GRADIENT(relu, y)
UNARY_FORWARD(leaky_relu) UNARY_GRADIENT(leaky_relu, x)
// gamma·x above 0, else alpha·(exp(beta·x) − 1): Elu, Selu and Celu.
UNARY_FORWARD(elu) UNARY_GRADIENT(elu, x)
UNARY_FORWARD(thresholded_relu) UNARY_GRADIENT(thresholded_relu, x)
UNARY_FORWARD(sigmoid) UNARY_GRADIENT(sigmoid, y)
UNARY_FORWARD(hard_sigmoid) UNARY_GRADIENT(hard_sigmoid, y)
UNARY_FORWARD(hard_swish) UNARY_GRADIENT(hard_swish, x)
UNARY_FORWARD(softplus) UNARY_GRADIENT(softplus, x)
UNARY_FORWARD(softsign) UNARY_GRADIENT(softsign, x)
UNARY_FORWARD(tanh) UNARY_GRADIENT(tanh, y)
UNARY_FORWARD(exp) UNARY_GRADIENT(exp, y)
UNARY_FORWARD(log) UNARY_GRADIENT(log, x)
UNARY_FORWARD(sqrt) UNARY_GRADIENT(sqrt, y)
UNARY_FORWARD(reciprocal) UNARY_GRADIENT(reciprocal, y)
UNARY_FORWARD(abs) UNARY_GRADIENT(abs, x)
UNARY_FORWARD(neg) UNARY_GRADIENT(neg, x)
UNARY_FORWARD(sign) UNARY_FORWARD(floor) UNARY_FORWARD(ceil)
// To the nearest integer, halves to even.
UNARY_FORWARD(round)
// The derivative of functions that are constant between steps.
UNARY_GRADIENT(zero, x)
UNARY_FORWARD(erf) UNARY_GRADIENT(erf, x)
UNARY_FORWARD(gelu) UNARY_GRADIENT(gelu, x)
UNARY_FORWARD(gelu_tanh) UNARY_GRADIENT(gelu_tanh, x)
UNARY_FORWARD(mish) UNARY_GRADIENT(mish, x)
UNARY_FORWARD(swish) UNARY_GRADIENT(swish, x)
UNARY_FORWARD(sin) UNARY_GRADIENT(sin, x)
UNARY_FORWARD(cos) UNARY_GRADIENT(cos, x)
UNARY_FORWARD(tan) UNARY_GRADIENT(tan, y)
UNARY_FORWARD(asin) UNARY_GRADIENT(asin, x)
UNARY_FORWARD(acos) UNARY_GRADIENT(acos, x)
UNARY_FORWARD(atan) UNARY_GRADIENT(atan, x)
UNARY_FORWARD(sinh) UNARY_GRADIENT(sinh, x)
UNARY_FORWARD(cosh) UNARY_GRADIENT(cosh, x)
UNARY_FORWARD(asinh) UNARY_GRADIENT(asinh, x)
UNARY_FORWARD(acosh) UNARY_GRADIENT(acosh, x)
UNARY_FORWARD(atanh) UNARY_GRADIENT(atanh, x)
UNARY_FORWARD(affine) UNARY_GRADIENT(affine, x)
UNARY_FORWARD(parametric_softplus) UNARY_GRADIENT(parametric_softplus, x)
UNARY_FORWARD(scaled_tanh) UNARY_GRADIENT(scaled_tanh, x)
UNARY_FORWARD(shrink) UNARY_GRADIENT(shrink, x)
// min(max(x, alpha), beta), NaN kept; the derivative is 0 at the bounds, as for relu6 and hardtanh.
UNARY_FORWARD(clip) UNARY_GRADIENT(clip, x)

#undef UNARY_FORWARD
#undef UNARY_GRADIENT

#pragma GCC visibility pop

#endif
