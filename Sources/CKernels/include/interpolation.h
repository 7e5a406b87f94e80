#ifndef CKERNELS_INTERPOLATION_H
#define CKERNELS_INTERPOLATION_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

// Weighted sums along one axis of a tensor of shape outer × inputs × inner: for rows first ..< last of the result,
// seen as (outer · outputs) × inner, row j of a slice is the sum of weights[t] times input row indices[t] over t in
// starts[j] ..< starts[j + 1], and `empty` if there is no such t. All rows have `taps` such t unless it is 0.
void interpolate_rows(
    const float *x, float *y, const int32_t *starts, const int32_t *indices, const float *weights, int32_t taps,
    size_t inputs, size_t outputs, size_t inner, float empty, size_t first, size_t last);

// The transpose of these sums with inner = 1, for slices first ..< last: adds weights[t] times element j of a slice of
// dy to element indices[t] of the slice of dx.
void spread_rows(
    const float *dy, float *dx, const int32_t *starts, const int32_t *indices, const float *weights, size_t inputs,
    size_t outputs, size_t first, size_t last);

#pragma GCC visibility pop

#endif
