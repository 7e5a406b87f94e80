// O_PATH is an extension.
#define _GNU_SOURCE
#include "CProtection.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Landlock as its documentation has it; the headers of the system that this is compiled on may be older than the kernel.
enum { SYS_create_ruleset = 444, SYS_add_rule = 445, SYS_restrict_self = 446 };
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };
enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITE_FILE = 1 << 1,
  FS_READ_FILE = 1 << 2,
  FS_READ_DIR = 1 << 3,
  FS_REMOVE_FILE = 1 << 5,
  FS_MAKE_DIR = 1 << 7,
  FS_MAKE_REG = 1 << 8,
  FS_ALL_OF_VERSION_1 = (1 << 13) - 1,
  FS_REFER = 1 << 13,      // version 2
  FS_TRUNCATE = 1 << 14,   // version 3
  FS_IOCTL_DEV = 1 << 15,  // version 5
};
enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };              // version 4
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };  // version 6

struct ruleset_attributes {
  uint64_t fs, net, scopes;
};

struct path_beneath {
  uint64_t allowed;
  int32_t parent;
} __attribute__((packed));

struct sandbox {
  int ruleset;
  uint64_t handled;
};

int sandbox_version(void) {
  const long version = syscall(SYS_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
  return version > 0 ? (int)version : 0;
}

sandbox *sandbox_begin(void) {
  const int version = sandbox_version();
  sandbox *box = version > 0 ? malloc(sizeof *box) : NULL;
  if (!box) return NULL;
  struct ruleset_attributes attributes = {.fs = FS_ALL_OF_VERSION_1};
  if (version >= 2) attributes.fs |= FS_REFER;
  if (version >= 3) attributes.fs |= FS_TRUNCATE;
  if (version >= 4) attributes.net = NET_BIND_TCP | NET_CONNECT_TCP;
  if (version >= 5) attributes.fs |= FS_IOCTL_DEV;
  if (version >= 6) attributes.scopes = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
  // Older kernels refuse members that they do not know, even if these are zero.
  const size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  box->handled = attributes.fs;
  box->ruleset = (int)syscall(SYS_create_ruleset, &attributes, size, 0);
  if (box->ruleset >= 0) return box;
  free(box);
  return NULL;
}

void sandbox_allow(sandbox *box, const char *path, int access) {
  const int file = open(path, O_PATH | O_CLOEXEC);
  if (file < 0) return;
  struct stat status;
  if (fstat(file, &status) == 0) {
    const int is_folder = S_ISDIR(status.st_mode);
    uint64_t allowed = 0;
    if (access & SANDBOX_READ) allowed |= FS_READ_FILE | (is_folder ? FS_READ_DIR : 0);
    if (access & SANDBOX_WRITE)
      allowed |= FS_WRITE_FILE | FS_TRUNCATE | (is_folder ? FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG : 0);
    const struct path_beneath rule = {.allowed = allowed & box->handled, .parent = file};
    syscall(SYS_add_rule, box->ruleset, RULE_PATH_BENEATH, &rule, 0);
  }
  close(file);
}

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

// Refuses the system calls that a program which turns files into files has no use for.
static int filter_calls(void) {
  static const uint32_t refused[] = {
      SYS_execve, SYS_execveat, SYS_socket, SYS_socketpair, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
      SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_mount, SYS_umount2,
      SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_init_module, SYS_finit_module, SYS_kexec_load,
      SYS_reboot, SYS_open_by_handle_at, 425 /* io_uring_setup */, 438 /* pidfd_getfd */};
  enum { count = sizeof refused / sizeof *refused };
  struct sock_filter filter[count + 7] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      // The numbers of the x32 interface.
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, count + 1, 0),
  };
  for (unsigned index = 0; index < count; index++)
    filter[5 + index] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[index], (uint8_t)(count - index), 0);
  filter[5 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[6 + count] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
  const struct sock_fprog program = {.len = count + 7, .filter = filter};
  // For all threads, also those that libraries have started. Without the second flag, older kernels slow down every
  // read of memory in a process with a filter.
  const unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0 ? 0 : errno;
}

int sandbox_enter(sandbox *box) {
  int code = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && syscall(SYS_restrict_self, box->ruleset, 0) == 0 ? 0 : errno;
  close(box->ruleset);
  free(box);
  if (code) return code;
  code = filter_calls();
  // A kernel without seccomp still has Landlock.
  return code == ENOSYS || code == EINVAL ? 0 : code;
}
#else
int sandbox_version(void) { return 0; }
sandbox *sandbox_begin(void) { return NULL; }
void sandbox_allow(sandbox *box, const char *path, int access) { (void)box, (void)path, (void)access; }
int sandbox_enter(sandbox *box) { return (void)box, ENOSYS; }
#endif
