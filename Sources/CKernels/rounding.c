#include "include/rounding.h"

#include <string.h>

#include "include/simd.h"

static inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// Rounds off low bits of the significand, ties to even; a carry moves into the exponent.
static inline uint32_t drop_bits(uint32_t bits, int count) {
  return (bits + (1u << (count - 1)) - 1 + ((bits >> count) & 1)) & ~((1u << count) - 1);
}

static inline float nearest_float16(float value) {
  const uint32_t bits = bits_of(value), sign = bits & 0x80000000u, magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) return value;
  // Below 2^-14 float16 numbers are the multiples of 2^-24, as are the floats between 0.5 and 1.
  if (magnitude < 0x38800000u) return float_of(bits_of(float_of(magnitude) + 0.5f - 0.5f) | sign);
  const uint32_t rounded = drop_bits(magnitude, 13);
  return float_of((rounded >= 0x47800000u ? 0x7f800000u : rounded) | sign);
}

static inline float nearest_bfloat16(float value) {
  const uint32_t bits = bits_of(value);
  return (bits & 0x7fffffffu) >= 0x7f800000u ? value : float_of(drop_bits(bits, 16));
}

SIMD_KERNEL void round_to_float16(const unaligned_float *in, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = nearest_float16(in[i]);
}

SIMD_KERNEL void round_to_bfloat16(const unaligned_float *in, float *out, size_t count) {
  for (size_t i = 0; i < count; i++) out[i] = nearest_bfloat16(in[i]);
}

uint16_t float16_bits(float value) {
  const uint32_t bits = bits_of(value), magnitude = bits & 0x7fffffffu;
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;
  if (magnitude == 0x7f800000u) return sign | 0x7c00u;
  if (magnitude < 0x38800000u) return sign | (uint16_t)(float_of(magnitude) * 0x1p24f);
  return sign | (uint16_t)((magnitude - 0x38000000u) >> 13);
}
