#ifndef CKERNELS_ROUNDING_H
#define CKERNELS_ROUNDING_H

#include <stddef.h>
#include <stdint.h>

#include "simd.h"

#pragma GCC visibility push(hidden)

// Each float becomes the nearest float16 or bfloat16 number, ties to even; those beyond the range become infinite.
void round_to_float16(const unaligned_float *in, float *out, size_t count);
void round_to_bfloat16(const unaligned_float *in, float *out, size_t count);

// The 16 bits of a float that float16 holds exactly.
uint16_t float16_bits(float value);

#pragma GCC visibility pop

#endif
