// Branch-free float functions that the compiler vectorises inside the loops that call them. NaN stays NaN, and the
// limits at ±∞ are exact; the relative error is below 5e-7.
#ifndef CKERNELS_VECTORMATH_H
#define CKERNELS_VECTORMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "simd.h"

SIMD_INLINE int32_t float_bits(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

SIMD_INLINE float float_of_bits(int32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// x clamped to low...high; NaN passes.
SIMD_INLINE float clamped(float x, float low, float high) {
  x = x < low ? low : x;
  return x > high ? high : x;
}

// 2^n for −126 ≤ n ≤ 127; 0 for −127 and ∞ for 128.
SIMD_INLINE float power_of_two(int32_t n) { return float_of_bits((int32_t)((uint32_t)(n + 127) << 23)); }

// Splits x = n·ln 2 + r with |r| ≤ ln 2 / 2; returns e^r − 1.
SIMD_INLINE float exp_reduced(float x, int32_t *n) {
  const float magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504f + magic;
  const float whole = shifted - magic;
  *n = (int32_t)((uint32_t)float_bits(shifted) - (uint32_t)float_bits(magic));
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float p = 1.3951717e-3f;
  p = p * r + 8.3695985e-3f;
  p = p * r + 4.1666187e-2f;
  p = p * r + 1.6666512e-1f;
  p = p * r + 0.5f;
  return p * (r * r) + r;
}

SIMD_INLINE float vector_exp(float x) {
  int32_t n;
  const float p = exp_reduced(clamped(x, -104.5f, 89.0f), &n);
  // In two steps, so that results below the normal range and above the largest float come out right.
  const int32_t half = n >> 1;
  return ((1.0f + p) * power_of_two(half)) * power_of_two(n - half);
}

// e^x − 1 for x ≤ 0, accurate near 0.
SIMD_INLINE float vector_expm1_negative(float x) {
  int32_t n;
  const float p = exp_reduced(clamped(x, -80.0f, 0.0f), &n);
  const float scale = power_of_two(n);
  return p * scale + (scale - 1.0f);
}

SIMD_INLINE float vector_log(float x) {
  const int is_small = x < 1.17549435e-38f;
  const float scaled = is_small ? x * 8388608.0f : x;
  // Splits x = m · 2^e with √½ ≤ m < √2.
  const int32_t bits = float_bits(scaled) - 0x3f3504f3;
  const float e = (float)((bits >> 23) - (is_small ? 23 : 0));
  const float f = float_of_bits((bits & 0x7fffff) + 0x3f3504f3) - 1.0f;
  float p = -7.8595459e-2f;
  p = p * f + 1.2881622e-1f;
  p = p * f - 1.3128768e-1f;
  p = p * f + 1.4181197e-1f;
  p = p * f - 1.6624554e-1f;
  p = p * f + 2.0002286e-1f;
  p = p * f - 2.5000811e-1f;
  p = p * f + 3.3333316e-1f;
  const float square = f * f;
  float y = f * square * p - e * 2.12194440e-4f - 0.5f * square + f + e * 0.693359375f;
  y = x < INFINITY ? y : x;
  y = x > 0 ? y : NAN;
  return x == 0 ? -INFINITY : y;
}

// log(1 + x) for 0 ≤ x ≤ 1.
SIMD_INLINE float vector_log1p(float x) {
  const float sum = 1.0f + x;
  return vector_log(sum) + (x - (sum - 1.0f)) / sum;
}

// An exponential below the normal range is taken as 0, and one near the largest float as ∞.
SIMD_INLINE float vector_sigmoid(float x) {
  int32_t n;
  const float p = exp_reduced(clamped(-x, -88.0f, 88.6f), &n);
  return 1.0f / (1.0f + (1.0f + p) * power_of_two(n));
}

SIMD_INLINE float vector_tanh(float x) {
  const float t = vector_expm1_negative(-2.0f * fabsf(x));
  return copysignf(-t / (t + 2.0f), x);
}

// An odd rational function of the argument clamped to −4 … 4, beyond which the error function is ±1 in float32.
SIMD_INLINE float vector_erf(float x) {
  const float t = clamped(x, -4.0f, 4.0f), s = t * t;
  float p = -2.72614225801306e-10f;
  p = p * s + 2.77068142495902e-08f;
  p = p * s - 2.10102402082508e-06f;
  p = p * s - 5.69250639462346e-05f;
  p = p * s - 7.34990630326855e-04f;
  p = p * s - 2.95459980854025e-03f;
  p = p * s - 1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * s - 2.13374055278905e-04f;
  q = q * s - 1.68282697438203e-03f;
  q = q * s - 7.37332916720468e-03f;
  q = q * s - 1.42647390514189e-02f;
  return clamped(t * p / q, -1.0f, 1.0f);
}

#endif
