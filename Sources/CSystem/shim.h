// What the C library and the processor have and Swift's own modules lack.
#ifndef CSYSTEM_H
#define CSYSTEM_H

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

// Tells the processor that this thread waits for another one's write.
static inline void relax_processor(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
