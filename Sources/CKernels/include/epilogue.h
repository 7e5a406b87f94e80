#ifndef CKERNELS_EPILOGUE_H
#define CKERNELS_EPILOGUE_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

// y = clamp(y + bias[row], low, high), NaN kept, for rows of a matrix whose rows lie `leading` apart; bias may be NULL.
void add_bias_and_clamp(
    float *y, int64_t rows, int64_t columns, int64_t leading, const float *bias, float low, float high);

// dx = dy if y, the result of a clamp, lies between the bounds; 0 at them.
void clamp_gradient(const float *y, const float *dy, float low, float high, float *dx, int64_t count);

#pragma GCC visibility pop

#endif
