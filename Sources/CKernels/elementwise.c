#include "elementwise.h"

#include "vectormath.h"

#define PARAMETERS \
  const float alpha = parameters.alpha, beta = parameters.beta, gamma = parameters.gamma; \
  (void)alpha, (void)beta, (void)gamma;

#define FORWARD_LOOP(name, hint, expression) \
  SIMD_KERNEL void name##_forward( \
    const unaligned_float *in, float *out, size_t count, struct unary_parameters parameters) { \
    PARAMETERS \
    hint for (size_t i = 0; i < count; i++) { \
      const float x = in[i]; \
      out[i] = (expression); \
    } \
  }

#define FORWARD(name, expression) FORWARD_LOOP(name, INDEPENDENT_ITERATIONS, expression)
// For functions of the C library, which remain calls.
#define FORWARD_CALL(name, expression) FORWARD_LOOP(name, , expression)

// `v` names what the derivative is a function of: the argument x or the result y.
#define GRADIENT_LOOP(name, hint, v, derivative) \
  SIMD_KERNEL void name##_gradient( \
    const unaligned_float *in, const float *dy, float *dx, size_t count, struct unary_parameters parameters) { \
    PARAMETERS \
    hint for (size_t i = 0; i < count; i++) { \
      const float v = in[i]; \
      (void)v; \
      dx[i] = dy[i] * (derivative); \
    } \
  }

#define GRADIENT(name, v, derivative) GRADIENT_LOOP(name, INDEPENDENT_ITERATIONS, v, derivative)
#define GRADIENT_CALL(name, v, derivative) GRADIENT_LOOP(name, , v, derivative)

// A derivative that is 1 or 0: passes or stops the gradient, whatever its value.
#define GATE(name, v, condition) \
  SIMD_KERNEL void name##_gradient( \
    const unaligned_float *in, const float *dy, float *dx, size_t count, struct unary_parameters parameters) { \
    PARAMETERS \
    INDEPENDENT_ITERATIONS for (size_t i = 0; i < count; i++) { \
      const float v = in[i]; \
      dx[i] = (condition) ? dy[i] : 0; \
    } \
  }

static const float inverse_sqrt_2 = 0.70710678f, inverse_sqrt_2pi = 0.39894228f, two_over_sqrt_pi = 1.12837917f;

FORWARD(relu, x < 0 ? 0 : x)
GATE(relu, y, y > 0)
FORWARD(leaky_relu, x < 0 ? alpha * x : x)
GRADIENT(leaky_relu, x, x > 0 ? 1 : alpha)
FORWARD(elu, x > 0 ? gamma * x : alpha * vector_expm1_negative(beta * x))
GRADIENT(elu, x, x > 0 ? gamma : alpha * beta * vector_exp(beta * x))
FORWARD(thresholded_relu, x <= alpha ? 0 : x)
GATE(thresholded_relu, x, x > alpha)
FORWARD(sigmoid, vector_sigmoid(x))
GRADIENT(sigmoid, y, y * (1 - y))
FORWARD(hard_sigmoid, clamped(alpha * x + beta, 0, 1))
GRADIENT(hard_sigmoid, y, y > 0 && y < 1 ? alpha : 0)
FORWARD(hard_swish, x * clamped(x * (1 / 6.0f) + 0.5f, 0, 1))
GRADIENT(hard_swish, x, x <= -3 ? 0 : x < 3 ? x * (1 / 3.0f) + 0.5f : 1)
FORWARD(softplus, (x < 0 ? 0 : x) + vector_log1p(vector_exp(-fabsf(x))))
GRADIENT(softplus, x, vector_sigmoid(x))
FORWARD(softsign, x / (1 + fabsf(x)))
GRADIENT(softsign, x, 1 / ((1 + fabsf(x)) * (1 + fabsf(x))))
FORWARD(tanh, vector_tanh(x))
GRADIENT(tanh, y, 1 - y * y)
FORWARD(exp, vector_exp(x))
GRADIENT(exp, y, y)
FORWARD(log, vector_log(x))
GRADIENT(log, x, 1 / x)
FORWARD(sqrt, __builtin_elementwise_sqrt(x))
GRADIENT(sqrt, y, 0.5f / y)
FORWARD(reciprocal, 1 / x)
GRADIENT(reciprocal, y, -y * y)
FORWARD(abs, fabsf(x))
GRADIENT(abs, x, (float)((x > 0) - (x < 0)))
FORWARD(neg, -x)
GRADIENT(neg, x, -1)
FORWARD(sign, x > 0 ? 1 : x < 0 ? -1 : x)
FORWARD(floor, __builtin_elementwise_floor(x))
FORWARD(ceil, __builtin_elementwise_ceil(x))
FORWARD(round, __builtin_elementwise_roundeven(x))
FORWARD(erf, vector_erf(x))
GRADIENT(erf, x, two_over_sqrt_pi *vector_exp(-x *x))
FORWARD(gelu, 0.5f * x * (1 + vector_erf(x * inverse_sqrt_2)))
GRADIENT(gelu, x, 0.5f * (1 + vector_erf(x * inverse_sqrt_2)) + x * inverse_sqrt_2pi * vector_exp(-0.5f * x * x))

SIMD_KERNEL void zero_gradient(
  const unaligned_float *x, const float *dy, float *dx, size_t count, struct unary_parameters parameters) {
  memset(dx, 0, count * sizeof *dx);
}

SIMD_INLINE float gelu_tanh_argument(float x) { return 0.79788456f * (x + 0.044715f * x * x * x); }

SIMD_INLINE float gelu_tanh_derivative(float x) {
  const float t = vector_tanh(gelu_tanh_argument(x));
  return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456f * (1 + 3 * 0.044715f * x * x);
}

FORWARD(gelu_tanh, 0.5f * x * (1 + vector_tanh(gelu_tanh_argument(x))))
GRADIENT(gelu_tanh, x, gelu_tanh_derivative(clamped(x, -10, 10)))

// tanh(log(1 + e^x)) without cancellation.
SIMD_INLINE float tanh_softplus(float x) {
  const float e = vector_exp(x > 20 ? 20 : x);
  const float n = e * (e + 2);
  return n / (n + 2);
}

SIMD_INLINE float mish_derivative(float x) {
  const float t = tanh_softplus(x);
  return t + x * vector_sigmoid(x) * (1 - t * t);
}

FORWARD(mish, x *tanh_softplus(x))
GRADIENT(mish, x, mish_derivative(clamped(x, -100, 100)))

SIMD_INLINE float swish_derivative(float x, float alpha) {
  const float s = vector_sigmoid(alpha * x);
  return s + alpha * x * s * (1 - s);
}

FORWARD(swish, x *vector_sigmoid(alpha *x))
GRADIENT(swish, x, swish_derivative(x, alpha))

FORWARD_CALL(sin, sinf(x))
GRADIENT_CALL(sin, x, cosf(x))
FORWARD_CALL(cos, cosf(x))
GRADIENT_CALL(cos, x, -sinf(x))
FORWARD_CALL(tan, tanf(x))
GRADIENT(tan, y, 1 + y * y)
FORWARD_CALL(asin, asinf(x))
GRADIENT(asin, x, 1 / __builtin_elementwise_sqrt(1 - x * x))
FORWARD_CALL(acos, acosf(x))
GRADIENT(acos, x, -1 / __builtin_elementwise_sqrt(1 - x * x))
FORWARD_CALL(atan, atanf(x))
GRADIENT(atan, x, 1 / (1 + x * x))
FORWARD_CALL(sinh, sinhf(x))
GRADIENT_CALL(sinh, x, coshf(x))
FORWARD_CALL(cosh, coshf(x))
GRADIENT_CALL(cosh, x, sinhf(x))
FORWARD_CALL(asinh, asinhf(x))
GRADIENT(asinh, x, 1 / __builtin_elementwise_sqrt(x * x + 1))
FORWARD_CALL(acosh, acoshf(x))
GRADIENT(acosh, x, 1 / __builtin_elementwise_sqrt(x * x - 1))
FORWARD_CALL(atanh, atanhf(x))
GRADIENT(atanh, x, 1 / (1 - x * x))
FORWARD(shrink, x < -alpha ? x + beta : x > alpha ? x - beta : 0)
GATE(shrink, x, x < -alpha || x > alpha)
FORWARD(clip, clamped(x, alpha, beta))
// As in relu6 and hardtanh, not in clamp: nothing passes at a bound.
GATE(clip, x, x > alpha && x < beta)

FORWARD(affine, alpha * x + beta)
GRADIENT(affine, x, alpha)
FORWARD(parametric_softplus, alpha * ((beta * x < 0 ? 0 : beta * x) + vector_log1p(vector_exp(-fabsf(beta * x)))))
GRADIENT(parametric_softplus, x, alpha * beta * vector_sigmoid(beta * x))
FORWARD(scaled_tanh, alpha * vector_tanh(beta * x))
GRADIENT(scaled_tanh, x, alpha * beta * (1 - vector_tanh(beta * x) * vector_tanh(beta * x)))
