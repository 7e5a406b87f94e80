// What protects the process from the files that it reads, and these from others: C, because it deals with signal
// handlers and system calls.
#ifndef CPROTECTION_H
#define CPROTECTION_H

#include <stddef.h>
#include <stdint.h>

// ---- Files that are mapped into memory ----

// Notes which file is mapped where, so that a fault there can be distinguished from others; any thread may call it.
void note_mapping(const void *base, size_t size, const char *path);

// Forgets a mapping, before it is unmapped.
void forget_mapping(const void *base);

// ---- Faults that end the process in order ----

// The exit code of a process that memory ran out for: EX_OSERR of sysexits.h.
enum { OUT_OF_MEMORY_CODE = 71 };

// From now on, a thread that reads a mapped file beyond its end, because it was cut short meanwhile, or that the disk
// does not give, does not end the process with SIGBUS: it writes the byte SIGBUS to `descriptor` and waits for ever.
// Other faults have their usual effect. Only a program may call it: handlers of signals belong to the process.
void report_faults(int descriptor);

// The descriptor for such bytes; negative if there is none.
int fault_descriptor(void);

// The path of the file in which the fault was; NULL before one.
const char *faulty_path(void);

// ---- The sandbox ----

// What a rule allows beneath a folder, or with a file.
enum { SANDBOX_READ = 1, SANDBOX_WRITE = 2 };

typedef struct sandbox sandbox;

// The version of Landlock that the kernel has; 0 if it has none.
int sandbox_version(void);

// Begins a sandbox; NULL if that is impossible.
sandbox *sandbox_begin(void);

// Allows what `access` says beneath a folder, or with a file; a path that does not exist is ignored.
void sandbox_allow(sandbox *box, const char *path, int access);

// Restricts the calling thread, and all that it starts, to what is allowed: other files, TCP, and the system calls that
// reach other processes, the network or the kernel's rarer parts are refused from then on. Ends `box`.
//
// Returns 0, or the system's error code.
int sandbox_enter(sandbox *box);

#endif
