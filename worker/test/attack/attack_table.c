/* See attack_table.h. */
#include "worker/test/attack/attack_table.h"
#include "worker/base/ops.h"
#include "worker/syscall/handlers.h"
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

/* Each row: of the threats, name, what must be seen; the defence to leave out and what must be seen then, or NULL and
 * why not; and then the attack. */
#define ROW(row, name, expect, without, then, so, how, aim, keys, ...)             \
    {                                                                              \
        row, name, expect, so, how, {__VA_ARGS__}, aim, keys, without, then, false \
    }
#define ROOT(row, name, expect, without, then, so, how, ...)                        \
    {                                                                               \
        row, name, expect, so, how, {__VA_ARGS__}, NULL, false, without, then, true \
    }
#define DEPLOY(row, name, without, then, file) ROW(row, name, "refused", without, then, file, NULL, NULL, false, 0)
#define CALL(row, name, expect, without, then, ...) \
    ROW(row, name, expect, without, then, "memory", "call", NULL, false, __VA_ARGS__)
/* The kernel itself refuses, because it acts with the rights of the domain. */
#define KERNEL(row, name, then, ...) ROW(row, name, "EFAULT", "rights", then, "memory", "call", NULL, true, __VA_ARGS__)
#define OP(row, name, expect, without, then, ...) \
    ROW(row, name, expect, without, then, "memory", "gate", NULL, false, __VA_ARGS__)
#define RUN(row, name, expect, without, then, so, how) ROW(row, name, expect, without, then, so, how, NULL, false, 0)
#define RUNS(row, name, expect, without, then, so, how, ...) \
    ROW(row, name, expect, without, then, so, how, NULL, false, __VA_ARGS__)
#define KEYED(row, name, expect, without, then, so, how, n) \
    ROW(row, name, expect, without, then, so, how, NULL, true, n)
/* What lets a hostile first pair pass, by its kind, and what is seen then. */
#define PAIR_WITHOUT_NONE        NULL
#define PAIR_WITHOUT_SINK(...)   "ranges"
#define PAIR_WITHOUT_SOURCE(...) "ranges"
#define PAIR_WITHOUT_NAME(...)   "ranges"
#define PAIR_WITHOUT_TEXT(...)   "ranges"
#define PAIR_WITHOUT_RECORD(...) "ranges"
#define PAIR_THEN_NONE           "there is no pair"
#define PAIR_THEN_SINK(...)      "[!0]*"
#define PAIR_THEN_SOURCE(...)    "[!0]*"
#define PAIR_THEN_NAME(...)      "[!0]*"
#define PAIR_THEN_TEXT(...)      "[!0]*"
#define PAIR_THEN_RECORD(...)    "[!0]*"
/* Each argument of an operation of the gate in turn, then all that it points at while it is looked at. */
#define OPERATION(path, NAME, handler, scalar, first, ...)                                                             \
    RUNS(22, "gate: " #NAME ": hostile scalars", "0 wrong*", NULL, "see the route below zero", "operations", "scalar", \
         NW_OP_##NAME),                                                                                                \
        RUNS(22, "gate: " #NAME ": hostile first pair", "0 wrong*", PAIR_WITHOUT_##first, PAIR_THEN_##first,           \
             "operations", "first", NW_OP_##NAME),                                                                     \
        RUNS(22, "gate: " #NAME ": hostile second pair", "0 wrong*", NULL, "the check is that of the first",           \
             "operations", "second", NW_OP_##NAME),                                                                    \
        RUNS(22, "gate: " #NAME ": all changes meanwhile", "0 wrong*", NULL, "see the name that changes",              \
             "operations", "race", NW_OP_##NAME),
#define READ(row, name, kind)  ROW(row, name, "torn down", "keys", "read 0x5e", "memory", "read", kind, true, 0)
#define WRITE(row, name, kind) ROW(row, name, "torn down", "keys", "written, *", "memory", "write", kind, true, 0)

/* RSP somewhere when a signal comes, for three reasons. */
#define PIVOT(where, place, without)                                                         \
    AT("RSP in " where " at a fault", "torn down", without, "pivot-fault", place),           \
        AT("RSP in " where " at a system call", "gone on", without, "pivot-syscall", place), \
        AT("RSP in " where " when preempted", "timed out", without, "pivot-loop", place),
#define AT(name, expect, without, how, place)                                                                         \
    ROW(16, name, expect, without, HARM, "jumps", how, NULL, true, ATTACK_IN_##place, ATTACK_STACK, ATTACK_ALTERNATE, \
        ATTACK_RECORD(0), ATTACK_RECORD(1), ATTACK_RECORD(2), ATTACK_RECORD(3))

#define NONE   "EPERM|EINVAL|ENOMEM|EFAULT|EACCES"
#define GOT    "read 0x5e*"
#define ENDED  "*worker ended"
#define HARM   "*, *"
#define NEEDED "there is nothing to leave out: "

/* clang-format off */
const struct attack_row attack_rows[] = {
    /* code that a function may not hold */
    DEPLOY(1, "WRPKRU in code", "scan", GOT, "forbidden-wrpkru"),
    DEPLOY(1, "WRPKRU at the start of a page", "scan", GOT, "forbidden-wrpkru_aligned"),
    DEPLOY(1, "WRPKRU inside an instruction that is jumped into", "scan", GOT, "forbidden-wrpkru_inside"),
    DEPLOY(1, "WRPKRU across a page seam, one byte before it", "scan", GOT, "forbidden-wrpkru_seam_1"),
    DEPLOY(1, "WRPKRU across a page seam, two bytes before it", "scan", GOT, "forbidden-wrpkru_seam_2"),
    DEPLOY(1, "WRPKRU at offset 0 of the code", "scan", GOT, "forbidden-wrpkru_first"),
    DEPLOY(1, "WRPKRU as the last bytes of the code", NULL, "it runs, and then the code has ended: a fault", "forbidden-wrpkru_last"),
    RUN(1, "WRPKRU from a page of the file mapped as code", "EPERM", "scan", GOT, "memory", "map-whole"),
    RUN(1, "WRPKRU across two adjoining mappings", "EPERM", "scan", GOT, "memory", "join"),
    RUN(1, "the same, the second half first", "EPERM", "scan", GOT, "memory", "join-backwards"),
    RUN(1, "the same, the first half not executable meanwhile", "EPERM", NULL, "what cannot be read is refused unseen", "memory", "join-hidden"),
    DEPLOY(2, "XRSTOR in code", "scan", GOT, "forbidden-xrstor"),
    DEPLOY(2, "XRSTOR64 with a long operand in code", "scan", GOT, "forbidden-xrstor64"),
    RUN(2, "search own ld.so, libc and code for what writes PKRU, FS or GS base", "none left", "scan", "* left", "memory", "search"),
    DEPLOY(3, "WRFSBASE in code", NULL, "FS is never trusted: nothing is gained", "forbidden-wrfsbase"),
    DEPLOY(3, "WRGSBASE in code", "scan", ENDED, "forbidden-wrgsbase"),
    DEPLOY(3, "WRGSBASE behind prefixes in an unusual order", "scan", ENDED, "forbidden-wrgsbase_prefixes"),

    /* null GS: the gate finds nothing, or the thread is found by its number */
    KEYED(4, "null GS, then a system call", "result 1", NULL, NEEDED "the gate has no other way to its record", "jumps", "null-gs-then", 0),
    KEYED(4, "null GS, then a fault", "torn down", NULL, NEEDED "the same", "jumps", "null-gs-then", 1),
    KEYED(4, "null GS, then a call of the gate", "torn down", NULL, NEEDED "the same", "jumps", "null-gs-then", 2),
    KEYED(4, "null GS, then an endless loop", "timed out", "deadline", "no answer*", "jumps", "null-gs-then", 3),

    KEYED(4, "call the gate with alignment checks on", "torn down", "flags", HARM, "jumps", "aligned", 0),
    KEYED(4, "call the gate with the direction flag set", "torn down", "flags", "the monitor's stack*|no answer*", "jumps", "backwards", 0),
    KEYED(4, "call the gate while an x87 exception waits", "torn down", NULL, NEEDED "the processor remembers it", "jumps", "fpu-call", 0),
    KEYED(4, "jump to the way in with rights of its own", "torn down", "enter", "answered", "jumps", "rights-in", ATTACK_INSIDE),
    KEYED(4, "jump to XRSTOR with rights of its own", "torn down", "restore", "led back", "jumps", "rights-out", ATTACK_XRSTOR),

    /* the gate again */
    OP(5, "no operation", "ENOSYS", NULL, NEEDED "no such case", 0),
    OP(5, "an operation that does not exist", "ENOSYS", NULL, NEEDED "no such case", 99),
    OP(5, "call a route that does not exist", "EINVAL", "ranges", "ENOENT", GATE(NW_OP_CALL, 1000), OWN, 1, OWN, 1),
    OP(5, "call a route below zero", "EINVAL", "ranges", ENDED, GATE(NW_OP_CALL, 0xffffffff), OWN, 1, OWN, 1),
    OP(5, "fetch an output that is not there", "ENODATA", NULL, NEEDED "there is no output", NW_OP_FETCH, OWN, 4096),
    OP(5, "say in an invocation that the function is up", "EPERM", NULL, NEEDED "it would gain a thread more than it may have", NW_OP_READY),
    OP(5, "say in an invocation that it is not", "EPERM", NULL, NEEDED "the same", GATE(NW_OP_READY, 1), OWN, 5),

    /* other ways into the kernel */
    RUN(6, "SYSCALL in code", "the monitor answered", "sud", "the kernel answered", "kernel", "raw"),
    RUN(6, "SYSCALL in code, the selector open", "the monitor answered", "selector", "the kernel answered", "kernel", "raw"),
    CALL(6, "x32 number of mmap", "EPERM", NULL, "the kernel has no x32 calls", X32 | SYS_mmap, T, PAGE, RW, FIXED, -1, 0),
    CALL(6, "x32 number of process_vm_readv", "EPERM", NULL, "the kernel has no x32 calls", X32 | 539, 1, T, 1, T, 1, 0),
    CALL(6, "a negative number", "EPERM|ENOSYS", NULL, "the kernel has no such call", -1),
    CALL(6, "a number with high bits", NONE, "sud", "result 0", 1ull << 32 | SYS_mprotect, T, PAGE, RW),
    RUN(6, "int 0x80", "EPERM|torn down", "sud", "result *", "flow", "int80"),
    RUN(6, "sysenter", "EPERM|torn down", NULL, "there is no way back from it into 64-bit code", "flow", "sysenter"),
    RUN(6, "32-bit code by a far return", "torn down", NULL, "no domain has memory that 32-bit code can reach", "flow", "compat"),
    KEYED(6, "vsyscall page: the kernel writes a neighbour's memory", "torn down", NULL, "the kernel writes there with the domain's rights", "flow", "vsyscall", 0),

    /* memory */
    READ(7, "read a neighbour's data", "data"),
    WRITE(7, "write a neighbour's data", "data"),
    READ(7, "read a neighbour's heap", "heap"),
    READ(7, "read a neighbour's stack", "stack"),
    WRITE(7, "write a neighbour's mapping", "mapped"),
    WRITE(7, "write a mapping that replaced one", "replaced"),
    WRITE(7, "write a mapping that was moved", "grown"),
    READ(7, "read a large mapping that was moved", "moved"),
    WRITE(7, "write a large mapping that was moved", "moved"),
    WRITE(7, "write a mapping that was protected and opened", "protected"),
    WRITE(7, "write a mapping of a file", "file"),
    ROW(7, "execute a neighbour's data", "torn down", NULL, "data is never executable, with or without a key", "memory", "execute", "data", true, 0),
    CALL(7, "mprotect a neighbour's memory", NONE, "call-memory", HARM, SYS_mprotect, T, PAGE, 0),
    CALL(7, "mprotect all memory from a neighbour's on", NONE, "call-memory", HARM, SYS_mprotect, T, SHADOW - PAGE, 0),
    CALL(7, "munmap a neighbour's memory", NONE, "call-memory", HARM, SYS_munmap, T, PAGE),
    CALL(7, "munmap everything", NONE, "call-memory", HARM, SYS_munmap, 0, SHADOW - PAGE),
    CALL(7, "mmap over a neighbour's memory", NONE, "call-memory", HARM, SYS_mmap, T, PAGE, RW, FIXED, -1, 0),
    CALL(7, "mremap a neighbour's memory", NONE, "call-memory", HARM, SYS_mremap, T, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0),
    CALL(7, "mremap own memory over a neighbour's", NONE, "call-memory", HARM, SYS_mremap, OWN, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, T),
    CALL(7, "brk", "result *", NULL, "the kernel's heap is in no domain's key", SYS_brk, T),
    CALL(7, "remap_file_pages", "EPERM", NULL, "the kernel does it to shared memory only", SYS_remap_file_pages, T, PAGE, 0, 0, 0),
    RUN(7, "mremap to join two halves of an instruction", NONE, NULL, "code never moves, scanned or not", "memory", "join-moving"),
    RUN(7, "writable and executable memory", "EACCES", "wx", GOT, "memory", "map-rwx"),
    RUN(7, "executable memory without a file", "EACCES", "wx", GOT, "memory", "map-anonymous"),
    RUN(7, "write, then execute", NONE, "wx", GOT, "memory", "write-then-execute"),
    RUN(7, "write a copy of a file's page, then execute", NONE, "wx", GOT, "memory", "write-file-then-execute"),
    RUN(7, "make code writable and executable again", NONE, "wx", GOT, "memory", "make-code-writable"),
    RUN(7, "a file mapped twice, executable and writable", "unchanged", NULL, "the function's file is open for reading: the kernel shares no writes", "memory", "map-twice"),
    RUN(7, "madvise(DONTNEED) on code, to read its file anew", "unchanged", NULL, "see the file that changes after the scan", "memory", "drop-code"),
    RUN(7, "make memory beside code executable", NONE, "wx", "executable", "memory", "grow-code"),
    RUN(7, "execute own data", "torn down", NULL, "data is mapped without the right to execute; see the rows of W^X", "memory", "run-data"),
    CALL(7, "memfd_create, to fill it and map it", "EPERM", "call-files", "result *", SYS_memfd_create, OWN, 0),

    /* keys */
    CALL(8, "pkey_alloc", "EPERM", NULL, "the kernel has none left: all are taken at the start", SYS_pkey_alloc, 0, 0),
    CALL(8, "pkey_free of a key of the host", "EPERM", "call-keys", "result 0", SYS_pkey_free, 1),
    KEYED(8, "pkey_free and pkey_alloc of every key", "EPERM", "sud", GOT, "kernel", "regrant", 0),
    CALL(8, "pkey_mprotect of own memory to key 0", "EPERM", "call-keys", "result 0*", SYS_pkey_mprotect, OWN, PAGE, RW, 0),
    KEYED(8, "pkey_mprotect of a neighbour's memory to the own key", "EPERM", "call-keys", GOT, "kernel", "steal", 0),
    CALL(9, "madvise(DONTNEED) on a neighbour's memory", "ENOMEM", "call-memory", HARM, SYS_madvise, T, PAGE, MADV_DONTNEED),
    CALL(9, "madvise(FREE) on a neighbour's memory", "ENOMEM", "call-memory", "result 0*", SYS_madvise, T, PAGE, MADV_FREE),
    CALL(9, "madvise(REMOVE) on a neighbour's memory", "EINVAL", NULL, "the kernel does it to shared memory only", SYS_madvise, T, PAGE, MADV_REMOVE),
    CALL(9, "madvise(DONTNEED) on everything", "ENOMEM|EINVAL", "call-memory", ENDED, SYS_madvise, 0, SHADOW - PAGE, MADV_DONTNEED),
    RUNS(9, "process_madvise(DONTNEED) on a neighbour's memory", "EPERM", "call-process", HARM, "kernel", "process-madvise", ATTACK_PID),

    /* round the keys through the kernel */
    ROOT(10, "/proc/self/mem and others by many spellings", "ENOENT", "paths", "*read 0x5e", "memory", "open-memory", 0),
    RUN(10, "a name that changes while it is looked at", "ENOENT", "once,deadline", "*wrong files", "memory", "path-race"),
    RUN(10, "open a library of the host for writing", "EACCES", "call-files", "result *|EACCES", "memory", "write-library"),
    RUNS(10, "process_vm_readv", "EPERM", "call-process", GOT, "kernel", "vm-read", ATTACK_PID),
    RUNS(10, "process_vm_writev", "EPERM", "call-process", HARM, "kernel", "vm-write", ATTACK_PID),
    ROOT(10, "ptrace, by a child", "EPERM", "call-process", HARM, "kernel", "ptrace", ATTACK_PID),
    RUNS(10, "symlink", "EPERM", "call-files", "result 0", "kernel", "names", ATTACK_PID, SYS_symlink),
    RUNS(10, "rename without a grant", "ENOENT", "call-files", "result 0", "kernel", "names", ATTACK_PID, SYS_rename),
    RUNS(10, "link", "ENOENT", "call-files", "result 0", "kernel", "names", ATTACK_PID, SYS_link),
    CALL(10, "mount", "EPERM", NULL, "not tried: it would change the machine", SYS_mount, OWN, OWN, OWN, 0, 0),
    ROOT(11, "userfaultfd", "EPERM", "call-deferred", "result *", "memory", "call", SYS_userfaultfd, 0),
    RUN(11, "io_uring: a read into a neighbour's memory", "EPERM", "call-deferred,rights", HARM, "kernel", "uring"),
    CALL(11, "io_uring_enter", "EPERM", NULL, "of no use without a ring", SYS_io_uring_enter, 3, 1, 1, 0, 0, 0),
    CALL(11, "io_uring_register", "EPERM", NULL, "of no use without a ring", SYS_io_uring_register, 3, 0, 0, 0),
    RUN(11, "aio", "EPERM", "call-deferred", "result 0", "kernel", "aio"),
    CALL(11, "io_submit", "EPERM", NULL, "of no use without io_setup", SYS_io_submit, 0, 1, OWN),
    CALL(11, "memfd_secret", "EPERM", "call-deferred", "result *|ENOSYS", SYS_memfd_secret_, 0),
    RUNS(12, "vmsplice of own memory into a pipe, which keeps it", "EPERM", "call-deferred", "result 4096", "kernel", "vmsplice", 0),
    RUNS(12, "vmsplice of a neighbour's memory", "EPERM", "call-deferred,rights", "result 4096", "kernel", "vmsplice", 1),
    CALL(12, "splice", "EPERM", NULL, "of no use without vmsplice", SYS_splice, 0, 0, 1, 0, 1, 0),
    CALL(12, "a socket, for MSG_ZEROCOPY", "EPERM", "call-files", "result *", SYS_socket, 2, 1, 0),
    RUN(12, "open with O_DIRECT", "EINVAL|EACCES|ENOENT", "call-files", "result *", "kernel", "direct"),
    RUN(13, "personality(READ_IMPLIES_EXEC), then code in data", "EPERM", "call-thread", GOT, "kernel", "personality"),

    /* signals */
    CALL(14, "rt_sigreturn without a frame", "torn down", NULL, "see the next ones", SYS_rt_sigreturn),
    KEYED(14, "rt_sigreturn from a forged frame", "no rights", "sud", "*secret changed", "jumps", "sigreturn", 0),
    ROW(14, "a handler's frame in a neighbour's memory", "torn down", "ranges", HARM, "signals", "frame-there", NULL, false, 0),
    ROW(14, "an alternate stack in a neighbour's memory", "torn down", "ranges", HARM, "signals", "stack-there", NULL, false, 0),
    ROW(14, "a frame whose extended state is a neighbour's memory", "torn down", "ranges", GOT, "signals", "state-there", NULL, false, 0),
    RUN(14, "a frame with every flag, segment and part of the state", "flags 0x800, segment 0x33", "signals", "torn down", "signals", "spoiled"),
    ROW(14, "a frame that goes on in the gate", "torn down", NULL, "see the jumps to every place of it", "signals", "resume-in-gate", NULL, true, ATTACK_INSIDE),
    ROW(15, "tell by faults whether a neighbour's memory is there", "the same", "signals", "told apart", "signals", "probe", NULL, true, 0),
    ROW(15, "handle what the gate traps", "torn down", "signals", "handled", "signals", "gate-again", NULL, true, ATTACK_INSIDE),
    RUNS(15, "signals for threads and processes of others", "ESRCH", NULL, "a number is looked for among the domain's own flows", "signals", "strangers", ATTACK_PID),
    RUNS(15, "sigaction of SIGSYS", "result 0", "call-signals", ENDED, "kernel", "sigaction", 31),
    ROW(15, "call the monitor's handler with a forged frame", "torn down", "frame", "PKRU is 0*", "jumps", "handler", NULL, true, ATTACK_HANDLER, ATTACK_RESTORER),
    RUN(15, "sigaltstack in own memory", "result 0", "call-signals", ENDED, "kernel", "altstack"),
    CALL(15, "sigprocmask storing into a neighbour's memory", "EFAULT", "ranges", HARM, SYS_rt_sigprocmask, 0, 0, T, 8),
    RUNS(15, "tgkill at the worker", "ESRCH", "call-signals", ENDED, "kernel", "tgkill", SYS_tgkill, ATTACK_PID, 31),
    RUNS(15, "rt_tgsigqueueinfo", "EPERM", "call-signals", ENDED, "kernel", "tgkill", SYS_rt_tgsigqueueinfo, ATTACK_PID, 31),
    CALL(15, "timer_create", "result 0", NULL, "see setitimer", SYS_timer_create, 1, 0, OWN),
    RUN(15, "setitimer", "torn down", "call-signals", ENDED, "kernel", "itimer"),
    CALL(15, "alarm", "result 0", NULL, "see setitimer", SYS_alarm, 1),
    ROW(16, "RSP in memory shared with the engine at a fault", "torn down", "stack", "*a frame of * bytes written*", "jumps", "pivot-fault", NULL, true,
        ATTACK_IN_STACK, ATTACK_SHARED),
    PIVOT("a neighbour's memory", NEIGHBOUR, "stack")
    PIVOT("the alternate stack of its own executor", OWN_ALTERNATE, "disarm")
    PIVOT("the alternate stack of another executor", OTHER_ALTERNATE, "stack")
    PIVOT("the stack of the monitor", STACK, "stack")
    PIVOT("the executor's page, which it may read", SHARED, "stack")
    PIVOT("unmapped memory", NOTHING, "stack")
    PIVOT("the kernel's half", KERNEL, "stack")
    PIVOT("its own memory, not aligned", BETWEEN, "stack")

    /* what the kernel does behind a thread's back */
    CALL(17, "rseq", "ENOSYS", "call-thread", "result 0*", SYS_rseq, OWN, 32, 0, 0x53053053),
    CALL(18, "set_robust_list in a neighbour's memory", "result 0", NULL, "an executor ends with its worker", SYS_set_robust_list, T, 24),
    RUN(18, "set_tid_address in a neighbour's memory, then the thread ends", "answered", "ranges", HARM, "flow", "clear-tid"),
    RUN(18, "clone storing thread numbers in a neighbour's memory", "answered|torn down", "ranges", HARM, "flow", "parent-tid"),
    RUN(19, "fork", "EPERM", "call-process", "result *", "kernel", "fork"),
    RUN(19, "vfork", "EPERM", NULL, "see fork", "kernel", "vfork"),
    RUN(19, "clone without sharing memory", "EPERM", "call-process", "result *", "kernel", "clone"),
    CALL(19, "clone into a new name space", "EPERM", NULL, "the kernel refuses it to threads",
         SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWUSER, OWN, 0, 0, 0),
    RUN(19, "clone3", "ENOSYS", "call-process", "result *", "kernel", "clone3"),
    RUN(19, "execve", "EPERM", "call-process", ENDED, "kernel", "execve"),
    RUN(19, "execveat", "EPERM", "call-process", ENDED, "kernel", "execveat"),
    KEYED(19, "a thread's rights", "same rights", NULL, NEEDED "a thread has no rights but its domain's", "flow", "thread-rights", 0),
    CALL(19, "exit of the process", "torn down", "call-process", ENDED, SYS_exit_group, 0),
    CALL(20, "seccomp", "EPERM", "call-thread", "result 0*", SYS_seccomp, 0, 0, 0),
    RUN(20, "prctl: Syscall User Dispatch off", "EPERM", "call-thread", "the kernel answered", "kernel", "no-dispatch"),
    CALL(20, "prctl: not dumpable", "EPERM", "call-thread", "result 0*", SYS_prctl, PR_SET_DUMPABLE, 0),
    CALL(20, "prctl: seccomp", "EPERM", "call-thread", "result 0*", SYS_prctl, PR_SET_SECCOMP, 1),
    CALL(20, "prctl: no TSC", "EPERM", "call-thread", "result 0*", SYS_prctl, PR_SET_TSC, 2),
    RUN(20, "arch_prctl: GS base", "EINVAL|EPERM", "call-thread", ENDED, "kernel", "gs"),
    CALL(20, "arch_prctl: FS base in the kernel's half", "EPERM", NULL, "the kernel refuses it, too", SYS_arch_prctl, ARCH_SET_FS, SHADOW),
    CALL(20, "arch_prctl: CPUID faults", "EINVAL|EPERM", "call-thread", "ENODEV|result 0*", SYS_arch_prctl, 0x1012, 0),
    CALL(20, "modify_ldt", "EPERM", "call-thread", "result 0", SYS_modify_ldt, 1, OWN, 16),
    CALL(20, "setns", "EPERM", NULL, "there is no name space to enter", SYS_setns, 3, 0),
    CALL(20, "unshare", "EPERM", NULL, "the kernel refuses it to a process of several threads", SYS_unshare, CLONE_NEWUSER),
    RUN(20, "chroot", "EPERM", "call-process", "result 0|EPERM", "kernel", "chroot"),
    RUNS(20, "setrlimit", "EPERM", "call-process", "result 0*", "kernel", "setrlimit", SYS_setrlimit),
    RUNS(20, "prlimit", "EPERM", "call-process", "result 0*", "kernel", "setrlimit", SYS_prlimit64),
    CALL(20, "setuid", "EPERM", "call-process", "result 0|EPERM", SYS_setuid, 0),
    CALL(20, "sched_setscheduler", "EPERM", "call-process", "result 0", SYS_sched_setscheduler, 0, 3, OWN),

    /* files */
    RUN(21, "every call on every number of a file", "EBADF", "files", "file *", "memory", "foreign-files"),
    RUN(21, "dup2 over every number, then close", "done", NULL, "it changes its own table; there is no other that it could name", "memory", "dup-over"),
    RUN(21, "an epoll that watches files of the worker", "EBADF", "files", "watches file *", "memory", "watch-files"),
    RUNS(21, "sendmsg on the worker's own socket", "EPERM", "call-files", "result 1", "kernel", "message", SYS_sendmsg),
    RUNS(21, "recvmsg on the worker's own socket", "EPERM", "call-files", "EAGAIN|result *", "kernel", "message", SYS_recvmsg),
    RUNS(21, "pidfd_getfd of a file of the worker", "EPERM", "call-process", "result *", "kernel", "pidfd-getfd", ATTACK_PID),
    CALL(21, "close_range", "EPERM", "call-files", HARM, SYS_close_range, 0, 0xffffffff, 0),
    RUN(21, "sendfile of a file of the worker", "EBADF", "call-files", "result 16", "kernel", "sendfile"),

    /* pointers */
    KERNEL(22, "getrandom into a neighbour's memory", HARM, SYS_getrandom, T, 16, 0),
    CALL(22, "getrandom across the end of the address space", "EFAULT|EINVAL", NULL, "the kernel refuses it, too", SYS_getrandom, -8, 16, 0),
    KERNEL(22, "clock_gettime into a neighbour's memory", HARM, SYS_clock_gettime, 0, T),
    KERNEL(22, "uname into a neighbour's memory", HARM, SYS_uname, T),
    KERNEL(22, "sysinfo into a neighbour's memory", HARM, SYS_sysinfo, T),
    KERNEL(22, "getrusage into a neighbour's memory", HARM, SYS_getrusage, 0, T),
    CALL(22, "fstat into a neighbour's memory", "EFAULT", "ranges", HARM, SYS_fstat, 1, T),
    CALL(22, "write a neighbour's memory to the log", "EFAULT", "ranges", "result 64", SYS_write, 1, T, 64),
    CALL(22, "write SIZE_MAX bytes", "EFAULT|result *", NULL, "a line of the log is cut before it is read", SYS_write, 1, OWN, -1),
    CALL(22, "write unmapped memory", "EFAULT", NULL, "copies that fault end as EFAULT, too", SYS_write, 1, 64, 64),
    CALL(22, "pipe into a neighbour's memory", "EFAULT", "ranges", HARM, SYS_pipe, T),
    CALL(22, "poll on a neighbour's memory", "EFAULT", "ranges", HARM, SYS_poll, T, 1, 0),
    CALL(22, "select on a neighbour's memory", "EFAULT", "ranges", "EBADF", SYS_select, 64, T, 0, 0, OWN),
    CALL(22, "select with a neighbour's time", "EFAULT", "ranges", "EINVAL", SYS_select, 0, 0, 0, 0, T),
    CALL(22, "poll of 2^61 files", "EINVAL", NULL, NEEDED "there is room for as many as a domain has", SYS_poll, OWN, 1ull << 61, 0),
    CALL(22, "futex on a neighbour's memory", "EFAULT", "ranges", "EAGAIN", SYS_futex, T, FUTEX_WAIT, 0, 0),
    CALL(22, "futex with a neighbour's time", "EFAULT", "ranges", "EINVAL", SYS_futex, OWN, FUTEX_WAIT, 0, T),
    CALL(22, "FUTEX_WAKE_OP, which writes", "ENOSYS|EFAULT", NULL, NEEDED "it does not exist", SYS_futex, OWN, FUTEX_WAKE_OP, 1, 1, T, 0),
    CALL(22, "nanosleep with a neighbour's time", "EFAULT", "ranges", "EINVAL", SYS_nanosleep, T, 0),
    CALL(22, "open a name in a neighbour's memory", "EFAULT", "ranges", "ENAMETOOLONG|ENOENT", SYS_open, T, 0),
    CALL(22, "open a name at the end of the address space", "EFAULT", NULL, "copies that fault end as EFAULT, too", SYS_open, -8, 0),
    CALL(22, "stat into a neighbour's memory", "EFAULT|ENOENT", NULL, "see fstat", SYS_stat, OWN, T),
    KERNEL(22, "sched_getaffinity into a neighbour's memory", HARM, SYS_sched_getaffinity, 0, 128, T),
    CALL(22, "sigaction storing into a neighbour's memory", "EFAULT", "ranges", HARM, SYS_rt_sigaction, 1, 0, T, 8),
    CALL(22, "prlimit into a neighbour's memory", "EFAULT", "ranges", HARM, SYS_prlimit64, 0, 3, 0, T),
    NW_OPS(OPERATION)
    KEYED(22, "a storm of random calls, number 1", "*", NULL, NEEDED "it aims at nothing", "storm", "storm", 1),
    KEYED(22, "a storm of random calls, number 2", "*", NULL, NEEDED "it aims at nothing", "storm", "storm", 2),
    KEYED(22, "a storm of random calls, number 3", "*", NULL, NEEDED "it aims at nothing", "storm", "storm", 3),
    KEYED(22, "a storm of random calls, number 4", "*", NULL, NEEDED "it aims at nothing", "storm", "storm", 4),
    KEYED(22, "a storm of random calls, number 5", "*", NULL, NEEDED "it aims at nothing", "storm", "storm", 5),
    KEYED(22, "a storm of random calls, number 6", "*", NULL, NEEDED "it aims at nothing", "storm", "storm", 6),
    RUN(22, "an address that changes while it is looked at", "never reached", "once,deadline", "connected to*", "races", "address"),
    KEYED(22, "a message's piece that changes while it is looked at", "never sent", "once,deadline", GOT, "races", "pieces", 0),
    KEYED(22, "a message's list of pieces that changes", "never sent", "once,deadline", GOT, "races", "message", 0),
    RUN(22, "a number in poll that changes while it is looked at", "polled", "once,deadline", ENDED, "races", "poll"),

    /* greed */
    RUN(23, "output without end", "output too large", NULL, "it keeps no more than may be sent", "flow", "output"),
    RUN(23, "a long output, past what it is linked to", "output too large", "output", "xxxx*", "flow", "long-output"),
    RUN(23, "log without end", "done", "log", "done, 2000 lines in the log", "flow", "log"),
    RUNS(23, "A calls A calls A", "bounded at 3?", "depth,deadline,shares", "bounded at [4-9]?|bounded at 1??|no answer*", "flow", "recursion", 1),
    RUNS(23, "A calls B calls A", "bounded at 1?", "depth,deadline", "bounded at [2-9]?|bounded at 1??|no answer*", "flow", "ping", 1),
    RUN(23, "eight calls in each of eight calls", "timed out|bounded*", "deadline", "no answer*", "flow", "fan-out"),
    RUN(24, "heap", "ENOMEM", "memory", "took 1024 MiB", "flow", "heap"),
    RUN(24, "stack", "torn down", NULL, "what lies below it is not mapped", "flow", "stack"),
    RUN(24, "threads", "[123]? threads", "threads,deadline,memory", "??? threads", "flow", "threads"),
    RUN(33, "threads that wait as if they were func workers", "3[0-4] threads", "threads,memory", "2?? threads", "greed", "wait"),
    RUN(24, "files", "EMFILE", NULL, NEEDED "the table has a fixed size", "flow", "files"),
    RUN(24, "mappings", "ENOMEM", NULL, NEEDED "the list has a fixed size", "flow", "mappings"),
    RUN(25, "endless loop", "timed out", "deadline", "no answer*", "flow", "loop"),
    RUN(25, "endless loop with all signals blocked", "timed out", "deadline", "no answer*", "flow", "deaf-loop"),
    RUN(25, "sleep", "timed out", "deadline", "no answer*", "flow", "sleep"),
    RUN(25, "deadlock", "timed out", "deadline", "no answer*", "flow", "deadlock"),
    RUN(25, "a read that blocks", "timed out", "deadline", "no answer*", "flow", "blocked-read"),
    RUN(25, "a signal handler without end", "timed out", "deadline", "no answer*", "signals", "handler-for-ever"),
    RUN(25, "a fault that is handled without end", "timed out", "deadline", "no answer*", "signals", "fault-for-ever"),
    RUN(25, "signals and timers without end", "timed out", "deadline", "no answer*", "signals", "flood"),
    RUN(25, "system calls without end", "timed out", "deadline", "no answer*", "flow", "syscall-storm"),

    /* state of the processor that no permission guards */
    RUN(32, "leave the shape of tiles to the next", "found nothing", "state", "found the shape*", "state", "tiles"),
    RUN(32, "leave selectors to the next", "found nothing", "state", "found DS 0x2b, ES 0x2b*", "state", "selectors"),
    RUN(32, "leave a flag that says nothing to the next", "found nothing", "state", "found *ID 1", "state", "flag"),

    /* calls of others than it may call */
    RUN(39, "call by every route that there may be, and by name", "0 got through", "calls", "[1-9]* got through", "limited", "beyond"),

    /* files that are no sound function: damaged ones see attack_test.c */
    DEPLOY(27, "not ELF: a text", "elf", "refused by ld.so*", "/etc/passwd"),
    DEPLOY(27, "a library without the symbols", "elf", "refused by the stub*", "/lib/x86_64-linux-gnu/libm.so.6"),
    DEPLOY(27, "a program", "elf", "refused by ld.so*", "/bin/true"),
    DEPLOY(27, "a writable and executable segment", "elf", "refused by ld.so*", "bad-wx"),
    DEPLOY(27, "an executable stack", "elf", "refused by ld.so*", "bad-stack"),
    DEPLOY(27, "relocations in code", "elf", "refused by ld.so*", "bad-textrel"),
    DEPLOY(27, "8 GiB of zeroed data", "elf", "refused by ld.so*", "bad-huge"),
    DEPLOY(27, "a constructor that crashes", NULL, "it runs inside the domain, like all code of a function", "bad-constructor"),
    DEPLOY(27, "an IFUNC that writes where it may not", NULL, "it runs inside the domain, like all code of a function", "bad-ifunc"),
};
const size_t attack_rows_count = sizeof attack_rows / sizeof attack_rows[0];

const struct attack_jump attack_jumps[] = {
    {"zero", NULL},
    {"own", NULL},
    {"xrstor", NULL},
    {"known", NULL},
    {"stack", "the monitor's stack leads to the monitor: there is no way back"},
    {"iret", NULL},
    {"flags", NULL},
    {"trap-flag", "the first instruction traps"},
    {"fpu", NULL},
    {"null-gs", "the gate finds nothing through GS"},
};
const size_t attack_jumps_count = sizeof attack_jumps / sizeof attack_jumps[0];

#undef CALL
const int attack_known_calls[] = {
#define CALL(class, name, profiles, how, handler, rules, words) SYS_##name,
#include "worker/policy/policy.def"
#undef CALL
};
const size_t attack_known_calls_count = sizeof attack_known_calls / sizeof attack_known_calls[0];
