// Functions of the C library and the processor that Swift's own modules lack.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

#if defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

// The processor that the calling thread runs on.
static inline unsigned current_processor(void) {
  unsigned processor = 0;
#if defined(__linux__)
  syscall(SYS_getcpu, &processor, NULL, NULL);
#endif
  return processor;
}

// Pins the calling thread to one of the processors that it may use: the `number`th after `origin`, wrapping around.
// Otherwise a thread would often share the processor of the thread whose loop wakes it.
static inline void keep_on_processor(unsigned origin, int number) {
#if defined(__linux__)
  unsigned long allowed[16] = {0};
  const long size = syscall(SYS_sched_getaffinity, 0, sizeof allowed, allowed), bits = 8 * (long)sizeof(long);
  if (size <= 0) return;
  for (long step = 1; step < size * 8; step++) {
    const long processor = (origin + step) % (size * 8);
    if (!(allowed[processor / bits] >> processor % bits & 1) || --number > 0) continue;
    unsigned long own[16] = {0};
    own[processor / bits] = 1UL << processor % bits;
    syscall(SYS_sched_setaffinity, 0, sizeof own, own);
    return;
  }
#else
  (void)origin;
  (void)number;
#endif
}

// Whether a signal is ignored.
static inline int is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Installs a signal handler, even if the parent process left the signal blocked; interrupted system calls restart.
static inline void handle(int number, void (*handler)(int)) {
  struct sigaction action = {0};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(number, &action, NULL);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, number);
  pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
}

#if defined(__linux__) && !defined(O_TMPFILE)
#define O_TMPFILE (020000000 | O_DIRECTORY)
#endif

// The descriptor of a new file without a name in a folder, to be written; negative if there can be none.
static inline int open_nameless(const char *folder) {
#if defined(__linux__)
  return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
#else
  (void)folder;
  return -1;
#endif
}

// The descriptor of a new file in memory, to be read and written; negative if there can be none.
static inline int open_in_memory(void) {
#if defined(__linux__)
  return (int)syscall(SYS_memfd_create, "gradcam", 1U /* MFD_CLOEXEC */);
#else
  return -1;
#endif
}

// Gives a file without a name its first one: 0, or the system's error code, EEXIST if the name is taken.
static inline int give_name(int file, const char *path) {
#if defined(__linux__)
  char own[32];
  snprintf(own, sizeof own, "/proc/self/fd/%d", file);
  return linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
#else
  (void)file;
  (void)path;
  return ENOTSUP;
#endif
}

// Hints to the processor that this thread is waiting for another one's write.
static inline void relax_processor(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
