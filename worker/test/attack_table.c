/* See attack_table.h. */
#include "worker/test/attack_table.h"
#include "worker/ops.h"
#include "worker/test/attack/attack.h"
#include <asm/prctl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define T           ATTACK_TARGET
#define OWN         ATTACK_OWN
#define PAGE        4096
#define RW          (PROT_READ | PROT_WRITE)
#define RX          (PROT_READ | PROT_EXEC)
#define FIXED       (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define SHADOW      (1ul << 47) /* the first address that no process has */
#define GATE(op, s) ((uint64_t)(s) << 32 | (op))
#define X32         0x40000000

/* Numbers that the headers of Debian 12 do not have. */
#define SYS_memfd_secret_ 447

#define DEPLOY(row, name, file)                            \
    {                                                      \
        row, name, "refused", file, NULL, {0}, NULL, false \
    }
#define CALL(row, name, expect, ...)                                    \
    {                                                                   \
        row, name, expect, "memory", "call", {__VA_ARGS__}, NULL, false \
    }
/* The kernel itself refuses, because it acts with the rights of the domain. */
#define KERNEL(row, name, expect, ...)                                 \
    {                                                                  \
        row, name, expect, "memory", "call", {__VA_ARGS__}, NULL, true \
    }
#define OP(row, name, expect, ...)                                      \
    {                                                                   \
        row, name, expect, "memory", "gate", {__VA_ARGS__}, NULL, false \
    }
#define RUN(row, name, expect, so, how)              \
    {                                                \
        row, name, expect, so, how, {0}, NULL, false \
    }
#define KEYED(row, name, expect, so, how, n)        \
    {                                               \
        row, name, expect, so, how, {n}, NULL, true \
    }
/* Each argument of an operation of the gate in turn, then all that it points at while it is looked at. */
#define OPERATION(path, NAME, ...)                                                                                     \
    {22, "gate: " #NAME ": hostile scalars", "0 wrong*", "operations", "scalar", {NW_OP_##NAME}, NULL, false},         \
        {22, "gate: " #NAME ": hostile first pair", "0 wrong*", "operations", "first", {NW_OP_##NAME}, NULL, false},   \
        {22, "gate: " #NAME ": hostile second pair", "0 wrong*", "operations", "second", {NW_OP_##NAME}, NULL, false}, \
        {22, "gate: " #NAME ": all changes meanwhile", "0 wrong*", "operations", "race", {NW_OP_##NAME}, NULL, false},
#define TOUCH(row, name, how, kind)                            \
    {                                                          \
        row, name, "torn down", "memory", how, {0}, kind, true \
    }

#define NONE "EPERM|EINVAL|ENOMEM|EFAULT|EACCES"

/* clang-format off */
const struct attack_row attack_rows[] = {
    /* code that a function may not hold */
    DEPLOY(1, "WRPKRU in code", "forbidden-wrpkru"),
    DEPLOY(1, "WRPKRU at the start of a page", "forbidden-wrpkru_aligned"),
    DEPLOY(1, "WRPKRU inside an instruction that is jumped into", "forbidden-wrpkru_inside"),
    DEPLOY(1, "WRPKRU across a page seam, one byte before it", "forbidden-wrpkru_seam_1"),
    DEPLOY(1, "WRPKRU across a page seam, two bytes before it", "forbidden-wrpkru_seam_2"),
    DEPLOY(1, "WRPKRU at offset 0 of the code", "forbidden-wrpkru_first"),
    DEPLOY(1, "WRPKRU as the last bytes of the code", "forbidden-wrpkru_last"),
    RUN(1, "WRPKRU from a page of the file mapped as code", "EPERM", "memory", "map-whole"),
    RUN(1, "WRPKRU across two adjoining mappings", "EPERM", "memory", "join"),
    RUN(1, "the same, the second half first", "EPERM", "memory", "join-backwards"),
    RUN(1, "the same, the first half not executable meanwhile", "EPERM", "memory", "join-hidden"),
    DEPLOY(2, "XRSTOR in code", "forbidden-xrstor"),
    DEPLOY(2, "XRSTOR64 with a long operand in code", "forbidden-xrstor64"),
    RUN(2, "search own ld.so, libc and code for what writes PKRU, FS or GS base", "none left", "memory", "search"),
    DEPLOY(3, "WRFSBASE in code", "forbidden-wrfsbase"),
    DEPLOY(3, "WRGSBASE in code", "forbidden-wrgsbase"),
    DEPLOY(3, "WRGSBASE behind prefixes in an unusual order", "forbidden-wrgsbase_prefixes"),

    /* null GS: the gate finds nothing, or the thread is found by its number */
    KEYED(4, "null GS, then a system call", "result 1", "jumps", "null-gs-then", 0),
    KEYED(4, "null GS, then a fault", "torn down", "jumps", "null-gs-then", 1),
    KEYED(4, "null GS, then a call of the gate", "torn down", "jumps", "null-gs-then", 2),
    KEYED(4, "null GS, then an endless loop", "timed out", "jumps", "null-gs-then", 3),

    /* the gate again */
    OP(5, "no operation", "ENOSYS", 0),
    OP(5, "an operation that does not exist", "ENOSYS", 99),
    OP(5, "call a route that does not exist", "EINVAL", GATE(NW_OP_CALL, 1000), OWN, 1, OWN, 1),
    OP(5, "call a route below zero", "EINVAL", GATE(NW_OP_CALL, 0xffffffff), OWN, 1, OWN, 1),
    OP(5, "fetch an output that is not there", "ENODATA", NW_OP_FETCH, OWN, 4096),
    OP(5, "say in an invocation that the function is up", "timed out", NW_OP_READY),
    OP(5, "say in an invocation that it is not", "timed out", GATE(NW_OP_READY, 1), OWN, 5),

    /* other ways into the kernel */
    CALL(6, "x32 number of mmap", "EPERM", X32 | SYS_mmap, T, PAGE, RW, FIXED, -1, 0),
    CALL(6, "x32 number of process_vm_readv", "EPERM", X32 | 539, 1, T, 1, T, 1, 0),
    CALL(6, "a negative number", "EPERM|ENOSYS", -1),
    CALL(6, "a number with high bits", NONE, 1ull << 32 | SYS_mprotect, T, PAGE, RW),
    RUN(6, "int 0x80", "EPERM|torn down", "flow", "int80"),
    RUN(6, "sysenter", "EPERM|torn down", "flow", "sysenter"),
    RUN(6, "32-bit code by a far return", "torn down", "flow", "compat"),
    KEYED(6, "vsyscall page: the kernel writes a neighbour's memory", "torn down", "flow", "vsyscall", 0),

    /* memory */
    TOUCH(7, "read a neighbour's data", "read", "data"),
    TOUCH(7, "write a neighbour's data", "write", "data"),
    TOUCH(7, "read a neighbour's heap", "read", "heap"),
    TOUCH(7, "read a neighbour's stack", "read", "stack"),
    TOUCH(7, "write a neighbour's mapping", "write", "mapped"),
    TOUCH(7, "write a mapping that replaced one", "write", "replaced"),
    TOUCH(7, "write a mapping that was moved", "write", "grown"),
    TOUCH(7, "write a mapping that was protected and opened", "write", "protected"),
    TOUCH(7, "write a mapping of a file", "write", "file"),
    TOUCH(7, "execute a neighbour's data", "execute", "data"),
    CALL(7, "mprotect a neighbour's memory", NONE, SYS_mprotect, T, PAGE, RW),
    CALL(7, "mprotect all memory from a neighbour's on", NONE, SYS_mprotect, T, SHADOW - PAGE, RW),
    CALL(7, "munmap a neighbour's memory", NONE, SYS_munmap, T, PAGE),
    CALL(7, "munmap everything", NONE, SYS_munmap, 0, SHADOW - PAGE),
    CALL(7, "mmap over a neighbour's memory", NONE, SYS_mmap, T, PAGE, RW, FIXED, -1, 0),
    CALL(7, "mremap a neighbour's memory", NONE, SYS_mremap, T, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0),
    CALL(7, "mremap own memory over a neighbour's", NONE, SYS_mremap, OWN, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, T),
    CALL(7, "brk", "result *", SYS_brk, T),
    CALL(7, "remap_file_pages", "EPERM", SYS_remap_file_pages, T, PAGE, 0, 0, 0),
    RUN(7, "mremap to join two halves of an instruction", NONE, "memory", "join-moving"),
    RUN(7, "writable and executable memory", "EACCES", "memory", "map-rwx"),
    RUN(7, "executable memory without a file", "EACCES", "memory", "map-anonymous"),
    RUN(7, "write, then execute", NONE, "memory", "write-then-execute"),
    RUN(7, "write a copy of a file's page, then execute", NONE, "memory", "write-file-then-execute"),
    RUN(7, "make code writable and executable again", NONE, "memory", "make-code-writable"),
    RUN(7, "a file mapped twice, executable and writable", "unchanged", "memory", "map-twice"),
    RUN(7, "madvise(DONTNEED) on code, to read its file anew", "unchanged", "memory", "drop-code"),
    RUN(7, "make memory beside code executable", NONE, "memory", "grow-code"),
    RUN(7, "execute own data", "torn down", "memory", "run-data"),
    CALL(7, "memfd_create, to fill it and map it", "EPERM", SYS_memfd_create, OWN, 0),

    /* keys */
    CALL(8, "pkey_alloc", "EPERM", SYS_pkey_alloc, 0, 0),
    CALL(8, "pkey_free of a key of the host", "EPERM", SYS_pkey_free, 1),
    CALL(8, "pkey_mprotect of own memory to key 0", "EPERM", SYS_pkey_mprotect, OWN, PAGE, RW, 0),
    CALL(8, "pkey_mprotect of a neighbour's memory", "EPERM", SYS_pkey_mprotect, T, PAGE, RW, 3),
    CALL(9, "madvise(DONTNEED) on a neighbour's memory", "ENOMEM", SYS_madvise, T, PAGE, MADV_DONTNEED),
    CALL(9, "madvise(FREE) on a neighbour's memory", "ENOMEM", SYS_madvise, T, PAGE, MADV_FREE),
    CALL(9, "madvise(REMOVE) on a neighbour's memory", "EINVAL", SYS_madvise, T, PAGE, MADV_REMOVE),
    CALL(9, "madvise(DONTNEED) on everything", "ENOMEM|EINVAL", SYS_madvise, 0, SHADOW - PAGE, MADV_DONTNEED),
    CALL(9, "process_madvise", "EPERM", 440, 1, OWN, 1, MADV_DONTNEED, 0),

    /* round the keys through the kernel */
    RUN(10, "/proc/self/mem and others by many spellings", "ENOENT", "memory", "open-memory"),
    RUN(10, "a name that changes while it is looked at", "ENOENT", "memory", "path-race"),
    RUN(10, "open a library of the host for writing", "EACCES", "memory", "write-library"),
    CALL(10, "process_vm_readv", "EPERM", SYS_process_vm_readv, 1, OWN, 1, T, 1, 0),
    CALL(10, "process_vm_writev", "EPERM", SYS_process_vm_writev, 1, OWN, 1, T, 1, 0),
    CALL(10, "ptrace", "EPERM", SYS_ptrace, PTRACE_POKEDATA, 1, T, 0),
    CALL(10, "symlink", "EPERM", SYS_symlink, OWN, OWN),
    CALL(10, "link", "EPERM", SYS_link, OWN, OWN),
    CALL(10, "rename without a grant", "ENOENT", SYS_rename, OWN, OWN),
    CALL(10, "mount", "EPERM", SYS_mount, OWN, OWN, OWN, 0, 0),
    CALL(11, "userfaultfd", "EPERM", SYS_userfaultfd, 0),
    CALL(11, "io_uring_setup", "EPERM", SYS_io_uring_setup, 8, OWN),
    CALL(11, "io_uring_enter", "EPERM", SYS_io_uring_enter, 3, 1, 1, 0, 0, 0),
    CALL(11, "io_uring_register", "EPERM", SYS_io_uring_register, 3, 0, 0, 0),
    CALL(11, "io_setup", "EPERM", SYS_io_setup, 8, OWN),
    CALL(11, "io_submit", "EPERM", SYS_io_submit, 0, 1, OWN),
    CALL(11, "memfd_secret", "EPERM", SYS_memfd_secret_, 0),
    CALL(12, "vmsplice", "EPERM", SYS_vmsplice, 1, OWN, 1, 0),
    CALL(12, "splice", "EPERM", SYS_splice, 0, 0, 1, 0, 1, 0),
    CALL(12, "a socket, for MSG_ZEROCOPY", "EPERM", SYS_socket, 2, 1, 0),
    CALL(13, "personality(READ_IMPLIES_EXEC)", "EPERM", SYS_personality, 0x400000),

    /* signals */
    CALL(14, "rt_sigreturn", "EPERM", SYS_rt_sigreturn),
    KEYED(14, "rt_sigreturn from a frame without extended state", "no rights", "jumps", "sigreturn", 0),
    CALL(15, "sigaction of SIGSYS", "result 0|EPERM", SYS_rt_sigaction, 31, OWN, 0, 8),
    CALL(15, "sigaltstack in a neighbour's memory", "result 0|EPERM", SYS_sigaltstack, OWN, 0),
    CALL(15, "sigprocmask storing into a neighbour's memory", "EFAULT", SYS_rt_sigprocmask, 0, 0, T, 8),
    CALL(15, "tgkill at an executor", "torn down", SYS_tgkill, 1, 2, 31),
    CALL(15, "rt_tgsigqueueinfo", "EPERM", SYS_rt_tgsigqueueinfo, 1, 1, 23, OWN),
    CALL(15, "timer_create, whose signals come at any time", "EPERM", SYS_timer_create, 1, 0, OWN),
    CALL(15, "setitimer", "EPERM", SYS_setitimer, 0, OWN, 0),
    CALL(15, "alarm", "EPERM", SYS_alarm, 1),
    KEYED(16, "RSP in a neighbour's memory at a fault", "torn down", "jumps", "pivot-fault", 0),
    KEYED(16, "RSP in a neighbour's memory at a system call", "gone on", "jumps", "pivot-syscall", 0),
    KEYED(16, "RSP in a neighbour's memory when preempted", "timed out", "jumps", "pivot-loop", 0),

    /* what the kernel does behind a thread's back */
    CALL(17, "rseq", "ENOSYS", SYS_rseq, OWN, 32, 0, 0x53053053),
    CALL(18, "set_robust_list in a neighbour's memory", "result 0", SYS_set_robust_list, T, 24),
    RUN(18, "set_tid_address in a neighbour's memory, then the thread ends", "answered", "flow", "clear-tid"),
    RUN(18, "clone storing thread numbers in a neighbour's memory", "answered|torn down", "flow", "parent-tid"),
    CALL(19, "fork", "EPERM", SYS_fork),
    CALL(19, "vfork", "EPERM", SYS_vfork),
    CALL(19, "clone without sharing memory", "EPERM", SYS_clone, 17, 0, 0, 0, 0),
    CALL(19, "clone into a new name space", "EPERM",
         SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWUSER, OWN, 0, 0, 0),
    CALL(19, "clone3", "ENOSYS", SYS_clone3, OWN, 88),
    CALL(19, "execve", "EPERM", SYS_execve, OWN, 0, 0),
    CALL(19, "execveat", "EPERM", SYS_execveat, 0, OWN, 0, 0, 0x1000),
    KEYED(19, "a thread's rights", "same rights", "flow", "thread-rights", 0),
    CALL(19, "exit of the process", "torn down", SYS_exit_group, 0),
    CALL(20, "seccomp", "EPERM", SYS_seccomp, 1, 0, OWN),
    CALL(20, "prctl: Syscall User Dispatch off", "EPERM", SYS_prctl, 59, 0, 0, 0, 0),
    CALL(20, "prctl: not dumpable", "EPERM", SYS_prctl, PR_SET_DUMPABLE, 0),
    CALL(20, "prctl: seccomp", "EPERM", SYS_prctl, PR_SET_SECCOMP, 1),
    CALL(20, "prctl: no TSC", "EPERM", SYS_prctl, PR_SET_TSC, 2),
    CALL(20, "arch_prctl: GS base", "EINVAL|EPERM", SYS_arch_prctl, ARCH_SET_GS, OWN),
    CALL(20, "arch_prctl: FS base in the kernel's half", "EPERM", SYS_arch_prctl, ARCH_SET_FS, SHADOW),
    CALL(20, "arch_prctl: CPUID faults", "EINVAL|EPERM", SYS_arch_prctl, 0x1012, 0),
    CALL(20, "modify_ldt", "EPERM", SYS_modify_ldt, 1, OWN, 16),
    CALL(20, "setns", "EPERM", SYS_setns, 3, 0),
    CALL(20, "unshare", "EPERM", SYS_unshare, CLONE_NEWUSER),
    CALL(20, "chroot", "EPERM", SYS_chroot, OWN),
    CALL(20, "setrlimit", "EPERM", SYS_setrlimit, 7, OWN),
    CALL(20, "prlimit", "EPERM", SYS_prlimit64, 0, 7, OWN, 0),
    CALL(20, "setuid", "EPERM", SYS_setuid, 0),
    CALL(20, "sched_setscheduler", "EPERM", SYS_sched_setscheduler, 0, 1, OWN),

    /* files */
    RUN(21, "every call on every number of a file", "EBADF", "memory", "foreign-files"),
    RUN(21, "dup2 over every number, then close", "done", "memory", "dup-over"),
    CALL(21, "select", "EPERM", SYS_select, 1024, OWN, OWN, OWN, OWN),
    CALL(21, "epoll_create1", "EPERM", SYS_epoll_create1, 0),
    CALL(21, "sendmsg with SCM_RIGHTS", "EPERM", SYS_sendmsg, 3, OWN, 0),
    CALL(21, "recvmsg", "EPERM", SYS_recvmsg, 3, OWN, 0),
    CALL(21, "pidfd_getfd", "EPERM", SYS_pidfd_getfd, 3, 3, 0),
    CALL(21, "close_range", "EPERM", SYS_close_range, 0, 0xffffffff, 0),
    CALL(21, "sendfile", "EPERM", SYS_sendfile, 1, 3, 0, 4096),

    /* pointers */
    KERNEL(22, "getrandom into a neighbour's memory", "EFAULT", SYS_getrandom, T, 16, 0),
    KERNEL(22, "getrandom across the end of the address space", "EFAULT|EINVAL", SYS_getrandom, -8, 16, 0),
    KERNEL(22, "clock_gettime into a neighbour's memory", "EFAULT", SYS_clock_gettime, 0, T),
    KERNEL(22, "uname into a neighbour's memory", "EFAULT", SYS_uname, T),
    KERNEL(22, "sysinfo into a neighbour's memory", "EFAULT", SYS_sysinfo, T),
    KERNEL(22, "getrusage into a neighbour's memory", "EFAULT", SYS_getrusage, 0, T),
    CALL(22, "fstat into a neighbour's memory", "EFAULT", SYS_fstat, 1, T),
    CALL(22, "write a neighbour's memory to the log", "EFAULT", SYS_write, 1, T, 64),
    CALL(22, "write SIZE_MAX bytes", "EFAULT|result *", SYS_write, 1, OWN, -1),
    CALL(22, "write unmapped memory", "EFAULT", SYS_write, 1, 64, 64),
    CALL(22, "pipe into a neighbour's memory", "EFAULT", SYS_pipe, T),
    CALL(22, "poll on a neighbour's memory", "EFAULT", SYS_poll, T, 1, 0),
    CALL(22, "poll of 2^61 files", "EINVAL", SYS_poll, OWN, 1ull << 61, 0),
    CALL(22, "futex on a neighbour's memory", "EFAULT", SYS_futex, T, FUTEX_WAIT, 0, 0),
    CALL(22, "futex with a neighbour's time", "EFAULT", SYS_futex, OWN, FUTEX_WAIT, 0, T),
    CALL(22, "FUTEX_WAKE_OP, which writes", "ENOSYS|EFAULT", SYS_futex, OWN, FUTEX_WAKE_OP, 1, 1, T, 0),
    CALL(22, "nanosleep with a neighbour's time", "EFAULT", SYS_nanosleep, T, 0),
    CALL(22, "open a name in a neighbour's memory", "EFAULT", SYS_open, T, 0),
    CALL(22, "open a name at the end of the address space", "EFAULT", SYS_open, -8, 0),
    CALL(22, "stat into a neighbour's memory", "EFAULT|ENOENT", SYS_stat, OWN, T),
    KERNEL(22, "sched_getaffinity into a neighbour's memory", "EFAULT", SYS_sched_getaffinity, 0, 128, T),
    CALL(22, "sigaction storing into a neighbour's memory", "EFAULT", SYS_rt_sigaction, 1, 0, T, 8),
    CALL(22, "prlimit into a neighbour's memory", "EFAULT", SYS_prlimit64, 0, 3, 0, T),
    NW_OPS(OPERATION)

    /* greed */
    RUN(23, "output without end", "output too large", "flow", "output"),
    RUN(23, "log without end", "done", "flow", "log"),
    RUN(23, "A calls A calls A", "bounded", "flow", "recursion"),
    RUN(23, "A calls B calls A", "bounded", "flow", "ping"),
    RUN(23, "eight calls in each of eight calls", "timed out|bounded", "flow", "fan-out"),
    RUN(24, "heap", "ENOMEM", "flow", "heap"),
    RUN(24, "stack", "torn down", "flow", "stack"),
    RUN(24, "files", "EMFILE", "flow", "files"),
    RUN(24, "mappings", "ENOMEM", "flow", "mappings"),
    RUN(24, "threads", "EAGAIN", "flow", "threads"),
    RUN(25, "endless loop", "timed out", "flow", "loop"),
    RUN(25, "endless loop with all signals blocked", "timed out", "flow", "deaf-loop"),
    RUN(25, "sleep", "timed out", "flow", "sleep"),
    RUN(25, "deadlock", "timed out", "flow", "deadlock"),
    RUN(25, "a read that blocks", "timed out", "flow", "blocked-read"),
    RUN(25, "system calls without end", "timed out", "flow", "syscall-storm"),

    /* files that are no sound function: damaged ones see attack_test.c */
    DEPLOY(27, "not ELF: a text", "/etc/passwd"),
    DEPLOY(27, "a library without the symbols", "/lib/x86_64-linux-gnu/libm.so.6"),
    DEPLOY(27, "a program", "/bin/true"),
    DEPLOY(27, "a writable and executable segment", "bad-wx"),
    DEPLOY(27, "an executable stack", "bad-stack"),
    DEPLOY(27, "relocations in code", "bad-textrel"),
    DEPLOY(27, "8 GiB of zeroed data", "bad-huge"),
    DEPLOY(27, "a constructor that crashes", "bad-constructor"),
    DEPLOY(27, "an IFUNC that writes where it may not", "bad-ifunc"),
};
const size_t attack_rows_count = sizeof attack_rows / sizeof attack_rows[0];

const char *const attack_jumps[] = {
    "zero", "own", "xrstor", "known", "stack", "iret", "flags", "trap-flag", "fpu", "null-gs",
};
const size_t attack_jumps_count = sizeof attack_jumps / sizeof attack_jumps[0];

#undef CALL
const int attack_known_calls[] = {
#define CALL(class, name, profiles, how, handler, rules, words) SYS_##name,
#include "worker/policy.def"
#undef CALL
};
const size_t attack_known_calls_count = sizeof attack_known_calls / sizeof attack_known_calls[0];
