#ifndef CKERNELS_QUANTIZATION_H
#define CKERNELS_QUANTIZATION_H

#include <stddef.h>
#include <stdint.h>

#include "simd.h"

#pragma GCC visibility push(hidden)

// y = x / scale to the nearest integer, halves to even, plus the zero point, clamped to [low, high]; NaN gives low.
void quantize(const float *x, int64_t *y, size_t count, float scale, int64_t zero_point, int64_t low, int64_t high);

// dx = dy / scale if the rounded value lies in [low, high], else 0; dy and dx may be the same.
void quantize_gradient(
    const float *x, const float *dy, float *dx, size_t count, float scale, int64_t zero_point, int64_t low,
    int64_t high);

// y = (x − zero point) · scale.
void dequantize(const int64_t *x, float *y, size_t count, float scale, int64_t zero_point);

// y = x · factor; x and y may be the same.
void scale_floats(const float *x, float *y, size_t count, float factor);

#pragma GCC visibility pop

#endif
