#ifndef CKERNELS_ELEMENTWISE_H
#define CKERNELS_ELEMENTWISE_H

#include <stddef.h>

// y = max(x, 0), NaN kept; x and y may be the same.
void relu(const float *x, float *y, size_t count);

// dx = dy where y > 0, else 0; dy and dx may be the same.
void relu_gradient(const float *y, const float *dy, float *dx, size_t count);

#endif
