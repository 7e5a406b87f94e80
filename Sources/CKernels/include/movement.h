#ifndef CKERNELS_MOVEMENT_H
#define CKERNELS_MOVEMENT_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

// One loop over two strided tensors; strides count elements and may be zero or negative.
typedef struct {
  ptrdiff_t extent, source, target;
} strided_axis;

// target[i] = source[i] for every index of the axes, outermost first; rank is at least 2. Elements have 1, 4 or 8
// bytes at any address.
void strided_copy(const void *source, void *target, size_t element_size, const strided_axis *axes, size_t rank);

// target[i] += source[i] for every index of the axes, in their order; rank is at least 2.
void strided_add(const float *source, float *target, const strided_axis *axes, size_t rank);

// Block k of the target, of block elements, = the source from offsets[k] on.
void gather_blocks(
    const void *source, void *target, const ptrdiff_t *offsets, size_t count, size_t block, size_t element_size);

// The target from offsets[k] on = block k of the source, in order of k.
void scatter_blocks(
    const void *source, void *target, const ptrdiff_t *offsets, size_t count, size_t block, size_t element_size);

// The target from offsets[k] on += block k of the source, in order of k.
void scatter_add_blocks(const float *source, float *target, const ptrdiff_t *offsets, size_t count, size_t block);

#pragma GCC visibility pop

#endif
