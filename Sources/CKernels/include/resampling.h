#ifndef CKERNELS_RESAMPLING_H
#define CKERNELS_RESAMPLING_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

// The binary digits after the point of weights of 8-bit samples.
enum { resampling_precision = 22 };

// One row of `outputs` RGB pixels: pixel x is the sum of weights[ends[x] + i] times pixel starts[x] + i of `row`, for i
// in 0 ..< ends[x + 1] − ends[x], rounded and clamped to 0…255. A byte after the last pixel is read.
void resample_pixels(
    const uint8_t *row, const int32_t *starts, const int32_t *ends, const int32_t *weights, size_t outputs,
    uint8_t *to);

// The sum of weights[t] times row t of `rows`, for t below `taps`, rounded and clamped to 0…255. Rows have `count`
// samples and follow each other; `sums` has room for as many.
void weigh_rows(
    const uint8_t *rows, const int32_t *weights, size_t taps, size_t count, int32_t *restrict sums,
    uint8_t *restrict to);

#pragma GCC visibility pop

#endif
