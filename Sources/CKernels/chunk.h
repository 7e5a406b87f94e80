// Vectors of a fixed length for kernels that shuffle, copy or overlap whole vectors at any address. Macros rather than
// functions: no function outside a kernel may take or return a vector.
#ifndef CKERNELS_CHUNK_H
#define CKERNELS_CHUNK_H

#include "packed_product.h"
#include "simd.h"

enum { chunk = 16 };
typedef float chunk_vector __attribute__((vector_size(chunk * sizeof(float)), aligned(1)));
typedef float half_chunk_vector __attribute__((vector_size(chunk / 2 * sizeof(float)), aligned(1)));
typedef int32_t mask_vector __attribute__((vector_size(chunk * sizeof(int32_t)), aligned(1)));
typedef float quarter_chunk_vector __attribute__((vector_size(chunk / 4 * sizeof(float)), aligned(1)));

#define LOAD(from) (*(const chunk_vector *)(from))
#define STORE(to, value) (*(chunk_vector *)(to) = (value))

// Every second element of two vectors, from 0 or 1 on.
#define EVERY_SECOND(a, b, start)                                                                              \
  __builtin_shufflevector(                                                                                     \
      a, b, start, start + 2, start + 4, start + 6, start + 8, start + 10, start + 12, start + 14, start + 16, \
      start + 18, start + 20, start + 22, start + 24, start + 26, start + 28, start + 30)

// The first and the last halves of two vectors, interleaved.
#define FIRST_HALVES(a, b) \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define LAST_HALVES(a, b) \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

// Elements of a where the mask is set, elsewhere of b.
#define CHOOSE(type, mask, a, b) ((type)(((mask) & (__typeof__(mask))(a)) | (~(mask) & (__typeof__(mask))(b))))

// Hides a short row's loop counter from the compiler, which would otherwise turn the loop into a more expensive call.
#define KEEP_LOOP(counter) __asm__("" : "+r"(counter))

// Writes zeros to to[0 ..< count] and up to a whole chunk beyond.
SIMD_INLINE void spill_zeros(float *to, int64_t count) {
  for (int64_t i = 0; i < count; i += chunk) {
    STORE(to + i, (chunk_vector){0});
    KEEP_LOOP(i);
  }
}

// to[i] = from[i × stride] for i below count; up to a whole chunk beyond is overwritten. Nothing is read from `end` on.
SIMD_INLINE void spill_copy(const float *from, const float *end, int64_t count, int64_t stride, float *to) {
  if (stride == 1 && from + count + chunk <= end) {
    for (int64_t i = 0; i < count; i += chunk) {
      STORE(to + i, LOAD(from + i));
      KEEP_LOOP(i);
    }
  } else if (stride == 2 && from + 2 * (count + chunk) <= end) {
    for (int64_t i = 0; i < count; i += chunk) {
      const chunk_vector a = LOAD(from + 2 * i), b = LOAD(from + 2 * i + chunk);
      STORE(to + i, EVERY_SECOND(a, b, 0));
    }
  } else {
    for (int64_t i = 0; i < count; i++) to[i] = from[i * stride];
  }
}

// One row of a result with its epilogue: to = clamp(from + bias + residual, low, high); if `accumulate`, the contents
// of `to` are added first. NaN is kept; the residual may be NULL and may alias `to`.
#define FINISH(type)                                                           \
  do {                                                                         \
    type value = *(const type *)(from + i) + bias;                             \
    if (accumulate) value += *(const type *)(to + i);                          \
    if (residual) value += *(const type *)(residual + i);                      \
    value = CHOOSE(type, low > value, (type){0} + low, value);                 \
    *(type *)(to + i) = CHOOSE(type, high < value, (type){0} + high, value);   \
    i += (int64_t)(sizeof(type) / sizeof(float));                              \
  } while (0)

SIMD_INLINE void finish_row(
    const float *from, int64_t count, int accumulate, float bias, const float *residual, float low, float high,
    float *to) {
  int64_t i = 0;
  while (i + chunk <= count) FINISH(chunk_vector);
  if (count & chunk / 2) FINISH(half_chunk_vector);
  if (count & chunk / 4) FINISH(quarter_chunk_vector);
  for (; i < count; i++) {
    float value = from[i] + bias;
    if (accumulate) value += to[i];
    if (residual) value += residual[i];
    value = value < low ? low : value;
    to[i] = value > high ? high : value;
  }
}

#undef FINISH

#endif
