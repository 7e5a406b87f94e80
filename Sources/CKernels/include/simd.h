// How kernels are compiled: once for each x86 level, chosen at run time; plain code elsewhere.
#ifndef CKERNELS_SIMD_H
#define CKERNELS_SIMD_H

// SIMD_ONE_LEVEL leaves the versions out, for builds with sanitizers, which take minutes for each; SIMD_WITHOUT_AVX512
// leaves out those for AVX-512, so that the others can be tested and timed on any processor.
#if !defined(__x86_64__) || !defined(__linux__) || defined(SIMD_ONE_LEVEL)
#define SIMD_KERNEL
#define WIDE_SIMD_KERNEL
#elif defined(SIMD_WITHOUT_AVX512)
#define SIMD_KERNEL __attribute__((target_clones("arch=x86-64-v3", "default")))
#define WIDE_SIMD_KERNEL SIMD_KERNEL
#else
#define SIMD_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
// The same for kernels written with vectors of 64 bytes, which the compiler would halve at the level x86-64-v4.
#define WIDE_SIMD_KERNEL __attribute__((target_clones("avx512f", "arch=x86-64-v3", "default")))
#endif

// A helper of such functions: part of each of their versions, never a function of its own.
#define SIMD_INLINE static inline __attribute__((always_inline))

// Lets the compiler reorder float sums and contract a*b+c inside the enclosing function body.
#define FAST_FLOAT_MATH _Pragma("clang fp reassociate(on) contract(fast)")

// Precedes a loop whose iterations are independent even if its result overwrites an operand in place.
#define INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")

// A float at any address.
typedef float __attribute__((aligned(1))) unaligned_float;

#endif
