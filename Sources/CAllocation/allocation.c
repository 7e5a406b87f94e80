// Swift's runtime traps when malloc gives it nothing, OpenBLAS tries again for ever, and neither says why. So the
// functions that allocate are put before the C library's: they pass every request on, and end the program with a line
// and an exit code if one fails. Only the program links this, not the library: it decides for the whole process.
#include "CAllocation.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#endif
#endif

#include <stddef.h>
#include <unistd.h>

#if defined(__GLIBC__) && !defined(HAS_OWN_ALLOCATOR)
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "CProtection.h"

static _Noreturn void end(size_t size) {
  static atomic_flag is_ending = ATOMIC_FLAG_INIT;
  // What is left to do may allocate, too.
  static _Thread_local int is_here;
  if (is_here) _exit(OUT_OF_MEMORY_CODE);
  is_here = 1;
  if (!atomic_flag_test_and_set(&is_ending)) {
    char line[160], digits[24];
    size_t count = 0, rest = size;
    do digits[count++] = (char)('0' + rest % 10);
    while ((rest /= 10));
    size_t length = 0;
    if (isatty(STDERR_FILENO)) memcpy(line, "\r\033[K", length = 4);
    static const char before[] = "gradcam: error: out of memory: the system refused ";
    static const char after[] = " bytes; give less to do, or more memory\n";
    memcpy(line + length, before, sizeof before - 1), length += sizeof before - 1;
    while (count) line[length++] = digits[--count];
    memcpy(line + length, after, sizeof after - 1), length += sizeof after - 1;
    const ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
    const unsigned char code = OUT_OF_MEMORY_CODE;
    if (write(fault_descriptor(), &code, 1) != 1) _exit(OUT_OF_MEMORY_CODE);
  }
  // The thread that reads the descriptor may wait for a lock that this one holds.
  const struct timespec second = {.tv_sec = 1};
  nanosleep(&second, NULL);
  _exit(OUT_OF_MEMORY_CODE);
}

// The functions of the same names after this program's: the C library's, or those of a library loaded in between.
static void *(*_Atomic next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static int (*next_posix_memalign)(void **, size_t, size_t);
static void *(*next_aligned_alloc)(size_t, size_t);
static void *(*next_memalign)(size_t, size_t);

static void *next_function(const char *name) {
  void *function = dlsym((void *)-1L /* RTLD_NEXT, which dlfcn.h has only as an extension */, name);
  if (!function) _exit(OUT_OF_MEMORY_CODE);
  return function;
}

// Finds them all at the first allocation, before main: dlsym forgets the error of a failed dlopen, so it must not be
// called when that error is being put into words, which allocates.
static inline void find(void) {
  if (atomic_load_explicit(&next_malloc, memory_order_acquire)) return;
  next_calloc = (void *(*)(size_t, size_t))next_function("calloc");
  next_realloc = (void *(*)(void *, size_t))next_function("realloc");
  next_posix_memalign = (int (*)(void **, size_t, size_t))next_function("posix_memalign");
  next_aligned_alloc = (void *(*)(size_t, size_t))next_function("aligned_alloc");
  next_memalign = (void *(*)(size_t, size_t))next_function("memalign");
  atomic_store_explicit(&next_malloc, (void *(*)(size_t))next_function("malloc"), memory_order_release);
}

void *malloc(size_t size) {
  find();
  void *memory = next_malloc(size);
  if (!memory && size) end(size);
  return memory;
}

void *calloc(size_t count, size_t size) {
  find();
  void *memory = next_calloc(count, size);
  size_t product;
  if (!memory && count && size) end(__builtin_mul_overflow(count, size, &product) ? (size_t)-1 : product);
  return memory;
}

void *realloc(void *old, size_t size) {
  find();
  void *memory = next_realloc(old, size);
  if (!memory && size) end(size);
  return memory;
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  find();
  const int code = next_posix_memalign(memory, alignment, size);
  if (code == ENOMEM) end(size);
  return code;
}

void *aligned_alloc(size_t alignment, size_t size) {
  find();
  void *memory = next_aligned_alloc(alignment, size);
  if (!memory && size) end(size);
  return memory;
}

void *memalign(size_t alignment, size_t size) {
  find();
  void *memory = next_memalign(alignment, size);
  if (!memory && size) end(size);
  return memory;
}
#endif
