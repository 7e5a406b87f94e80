// Matrices times vectors; the matrix is read once and in order, at the speed of memory. It is row-major and may be
// misaligned.
#ifndef CKERNELS_MATRIX_VECTOR_H
#define CKERNELS_MATRIX_VECTOR_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

// y[r] = matrix[r] · x for rows [first, last).
void matrix_times_vector(const float *matrix, int64_t columns, const float *x, int64_t first, int64_t last, float *y);

// y[c] = Σ over rows of x[r] × matrix[r][c] for columns [first, last); rows whose x is 0 are not read.
void vector_times_matrix(
    const float *x, const float *matrix, int64_t rows, int64_t columns, int64_t first, int64_t last, float *y);

#pragma GCC visibility pop

#endif
