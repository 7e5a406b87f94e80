#include "movement.h"

#include <stdint.h>
#include <string.h>

#include "simd.h"

typedef uint8_t element_8;
typedef uint32_t __attribute__((aligned(1), may_alias)) element_32;
typedef uint64_t __attribute__((aligned(1), may_alias)) element_64;

typedef uint32_t quad __attribute__((vector_size(16)));
typedef quad __attribute__((aligned(1), may_alias)) unaligned_quad;

// Sixteen elements whose rows lie source_stride apart, written as columns target_stride apart.
static inline void transpose_4x4(
    const element_32 *source, ptrdiff_t source_stride, element_32 *target, ptrdiff_t target_stride) {
  quad a = *(const unaligned_quad *)source, b = *(const unaligned_quad *)(source + source_stride);
  quad c = *(const unaligned_quad *)(source + 2 * source_stride);
  quad d = *(const unaligned_quad *)(source + 3 * source_stride);
  quad ac_low = __builtin_shufflevector(a, c, 0, 4, 1, 5), ac_high = __builtin_shufflevector(a, c, 2, 6, 3, 7);
  quad bd_low = __builtin_shufflevector(b, d, 0, 4, 1, 5), bd_high = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  *(unaligned_quad *)target = __builtin_shufflevector(ac_low, bd_low, 0, 4, 1, 5);
  *(unaligned_quad *)(target + target_stride) = __builtin_shufflevector(ac_low, bd_low, 2, 6, 3, 7);
  *(unaligned_quad *)(target + 2 * target_stride) = __builtin_shufflevector(ac_high, bd_high, 0, 4, 1, 5);
  *(unaligned_quad *)(target + 3 * target_stride) = __builtin_shufflevector(ac_high, bd_high, 2, 6, 3, 7);
}

enum { tile = 16 };

// One tile of a transpose: source rows are contiguous along columns, target rows along rows.
static inline void transpose_tile_32(
    const element_32 *source, ptrdiff_t source_stride, element_32 *target, ptrdiff_t target_stride, ptrdiff_t rows,
    ptrdiff_t columns) {
  ptrdiff_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    ptrdiff_t column = 0;
    for (; column + 4 <= columns; column += 4)
      transpose_4x4(
          source + row * source_stride + column, source_stride, target + column * target_stride + row, target_stride);
    for (; column < columns; column++)
      for (ptrdiff_t r = row; r < row + 4; r++) target[column * target_stride + r] = source[r * source_stride + column];
  }
  for (; row < rows; row++)
    for (ptrdiff_t column = 0; column < columns; column++)
      target[column * target_stride + row] = source[row * source_stride + column];
}

static inline void transpose_tile_8(
    const element_8 *source, ptrdiff_t source_stride, element_8 *target, ptrdiff_t target_stride, ptrdiff_t rows,
    ptrdiff_t columns) {
  for (ptrdiff_t column = 0; column < columns; column++)
    for (ptrdiff_t row = 0; row < rows; row++)
      target[column * target_stride + row] = source[row * source_stride + column];
}

static inline void transpose_tile_64(
    const element_64 *source, ptrdiff_t source_stride, element_64 *target, ptrdiff_t target_stride, ptrdiff_t rows,
    ptrdiff_t columns) {
  for (ptrdiff_t column = 0; column < columns; column++)
    for (ptrdiff_t row = 0; row < rows; row++)
      target[column * target_stride + row] = source[row * source_stride + column];
}

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

// The innermost two loops of a copy. Runs too short for a call to memcpy are copied inline.
#define DEFINE_COPY(bits)                                                                                             \
  static void copy_plane_##bits(                                                                                      \
      const element_##bits *source, element_##bits *target, strided_axis outer, strided_axis inner) {                 \
    if (inner.source == 1 && outer.target == 1 && inner.target != 1) {                                                \
      strided_axis swap = outer;                                                                                      \
      outer = inner;                                                                                                  \
      inner = swap;                                                                                                   \
    }                                                                                                                 \
    if (inner.target == 1 && outer.source == 1 && inner.source != 1 && outer.target != 1) {                           \
      for (ptrdiff_t i = 0; i < inner.extent; i += tile)                                                              \
        for (ptrdiff_t o = 0; o < outer.extent; o += tile)                                                            \
          transpose_tile_##bits(                                                                                      \
              source + i * inner.source + o, inner.source, target + o * outer.target + i, outer.target,               \
              least(tile, inner.extent - i), least(tile, outer.extent - o));                                          \
      return;                                                                                                         \
    }                                                                                                                 \
    for (ptrdiff_t o = 0; o < outer.extent; o++) {                                                                    \
      const element_##bits *s = source + o * outer.source;                                                            \
      element_##bits *t = target + o * outer.target;                                                                  \
      if (inner.source == 1 && inner.target == 1 && inner.extent >= 16)                                               \
        memcpy(t, s, (size_t)inner.extent * sizeof *t);                                                               \
      else if (inner.target == 1)                                                                                     \
        for (ptrdiff_t i = 0; i < inner.extent; i++) t[i] = s[i * inner.source];                                      \
      else                                                                                                            \
        for (ptrdiff_t i = 0; i < inner.extent; i++) t[i * inner.target] = s[i * inner.source];                       \
    }                                                                                                                 \
  }                                                                                                                   \
                                                                                                                      \
  static void copy_axes_##bits(                                                                                       \
      const element_##bits *source, element_##bits *target, const strided_axis *axes, size_t rank) {                  \
    if (rank == 2) {                                                                                                  \
      copy_plane_##bits(source, target, axes[0], axes[1]);                                                            \
      return;                                                                                                         \
    }                                                                                                                 \
    for (ptrdiff_t i = 0; i < axes->extent; i++)                                                                      \
      copy_axes_##bits(source + i * axes->source, target + i * axes->target, axes + 1, rank - 1);                     \
  }

DEFINE_COPY(8)
DEFINE_COPY(32)
DEFINE_COPY(64)

void strided_copy(const void *source, void *target, size_t element_size, const strided_axis *axes, size_t rank) {
  if (element_size == 4)
    copy_axes_32(source, target, axes, rank);
  else if (element_size == 8)
    copy_axes_64(source, target, axes, rank);
  else
    copy_axes_8(source, target, axes, rank);
}

SIMD_KERNEL static void strided_add_plane(const float *source, float *target, strided_axis outer, strided_axis inner) {
  FAST_FLOAT_MATH
  for (ptrdiff_t o = 0; o < outer.extent; o++) {
    const float *s = source + o * outer.source;
    float *restrict t = target + o * outer.target;
    if (inner.target == 0) {
      float sum = 0;
      if (inner.source == 1)
        for (ptrdiff_t i = 0; i < inner.extent; i++) sum += s[i];
      else
        for (ptrdiff_t i = 0; i < inner.extent; i++) sum += s[i * inner.source];
      *t += sum;
    } else if (inner.source == 1 && inner.target == 1) {
      for (ptrdiff_t i = 0; i < inner.extent; i++) t[i] += s[i];
    } else {
      for (ptrdiff_t i = 0; i < inner.extent; i++) t[i * inner.target] += s[i * inner.source];
    }
  }
}

void strided_add(const float *source, float *target, const strided_axis *axes, size_t rank) {
  if (rank == 2) {
    strided_add_plane(source, target, axes[0], axes[1]);
    return;
  }
  for (ptrdiff_t i = 0; i < axes->extent; i++)
    strided_add(source + i * axes->source, target + i * axes->target, axes + 1, rank - 1);
}

void gather_blocks(
    const void *source, void *target, const ptrdiff_t *offsets, size_t count, size_t block, size_t element_size) {
  const char *s = source;
  char *t = target;
  if (block == 1 && element_size == 4) {
    for (size_t k = 0; k < count; k++) ((element_32 *)target)[k] = ((const element_32 *)source)[offsets[k]];
    return;
  }
  const size_t size = block * element_size;
  for (size_t k = 0; k < count; k++) memcpy(t + k * size, s + offsets[k] * (ptrdiff_t)element_size, size);
}

void scatter_blocks(
    const void *source, void *target, const ptrdiff_t *offsets, size_t count, size_t block, size_t element_size) {
  const char *s = source;
  char *t = target;
  const size_t size = block * element_size;
  for (size_t k = 0; k < count; k++) memcpy(t + offsets[k] * (ptrdiff_t)element_size, s + k * size, size);
}

SIMD_KERNEL void scatter_add_blocks(
    const float *source, float *target, const ptrdiff_t *offsets, size_t count, size_t block) {
  for (size_t k = 0; k < count; k++) {
    const float *s = source + k * block;
    float *t = target + offsets[k];
    for (size_t i = 0; i < block; i++) t[i] += s[i];
  }
}
