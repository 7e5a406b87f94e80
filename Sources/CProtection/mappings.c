#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "CProtection.h"

// A list that only grows, so that a signal handler can read it: what is forgotten is used again.
typedef struct mapping {
  _Atomic(uintptr_t) base;  // 0 if nobody uses it, 1 while somebody fills it in
  _Atomic(size_t) size;
  _Atomic(char *) path;
  struct mapping *next;
} mapping;

static _Atomic(mapping *) mappings;
static _Atomic(const char *) faulty;
static atomic_int reports = -1;

void note_mapping(const void *base, size_t size, const char *path) {
  char *name = strdup(path);
  mapping *each = atomic_load(&mappings);
  for (; each; each = each->next) {
    uintptr_t unused = 0;
    if (atomic_compare_exchange_strong(&each->base, &unused, 1)) break;
  }
  const int is_new = !each;
  if (is_new && !(each = calloc(1, sizeof *each))) return free(name);
  atomic_store(&each->size, size);
  free(atomic_exchange(&each->path, name));
  atomic_store(&each->base, (uintptr_t)base);
  if (!is_new) return;
  each->next = atomic_load(&mappings);
  while (!atomic_compare_exchange_weak(&mappings, &each->next, each)) {}
}

void forget_mapping(const void *base) {
  for (mapping *each = atomic_load(&mappings); each; each = each->next) {
    uintptr_t found = (uintptr_t)base;
    if (atomic_compare_exchange_strong(&each->base, &found, 0)) return;
  }
}

const char *faulty_path(void) { return atomic_load(&faulty); }

static void report(int number, siginfo_t *fault, void *context) {
  (void)context;
  const uintptr_t address = (uintptr_t)fault->si_addr;
  for (mapping *each = atomic_load(&mappings); each; each = each->next) {
    const uintptr_t base = atomic_load(&each->base);
    if (base < 2 || address < base || address - base >= atomic_load(&each->size)) continue;
    const char *path = atomic_load(&each->path), *none = NULL;
    // Several threads may run into the same end.
    if (atomic_compare_exchange_strong(&faulty, &none, path ? path : "a file")) {
      const unsigned char byte = (unsigned char)number;
      if (write(fault_descriptor(), &byte, 1) != 1) _exit(66);
    }
    for (;;) pause();
  }
  signal(number, SIG_DFL);
}

int fault_descriptor(void) { return atomic_load(&reports); }

void report_faults(int descriptor) {
  atomic_store(&reports, descriptor);
  struct sigaction action = {0};
  action.sa_sigaction = report;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, NULL);
}
