/* Attacks that make the kernel do what the function cannot (rows 8, 10 to 20): system calls that need more than
 * numbers. */
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE    4096
#define KEYS    16
#define CHANNEL 4 /* a file of the worker's own: what it shares with the engine */
#define CONTROL 3 /* another: where the engine tells it what to do */

static uint8_t own[2 * PAGE] __attribute__((aligned(PAGE)));

/* An instruction of its own: libnwguard stands before libc's syscall(). */
static long raw4(long number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    register uint64_t r10 __asm__("r10") = a4;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a1), "S"(a2), "d"(a3), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static long raw(long number, uint64_t a1, uint64_t a2, uint64_t a3)
{
    return raw4(number, a1, a2, a3, 0);
}

static const char *said(struct attacker *a, long result)
{
    errno = (int)-result;
    return attack_outcome(a, result);
}

/* For what the kernel or a child does meanwhile; well below the time limit. */
static void let_time_pass(void)
{
    for (volatile long i = 0; i < 20000000; i++)
        continue;
}

static const char *read_secret(struct attacker *a)
{
    return attack_say(a, "read %#x", *(volatile uint8_t *)a->arg[0]);
}

static uint32_t read_pkru(void)
{
    uint32_t pkru, high;

    __asm__ volatile("rdpkru" : "=a"(pkru), "=d"(high) : "c"(0));
    return pkru;
}

/* ---- past the monitor ---- */

/* Who the function is: where the monitor answers, nobody in particular. */
static const char *try_raw(struct attacker *a)
{
    long first = raw(SYS_getpid, 0, 0, 0), pid = raw(SYS_getpid, 0, 0, 0);

    (void)a;
    return first == 1 && pid == 1 ? "the monitor answered" : "the kernel answered";
}

/* Another key's owner becomes this one, without any WRPKRU. */
static const char *try_regrant(struct attacker *a)
{
    raw(SYS_getpid, 0, 0, 0);
    for (uint64_t key = 1; key < KEYS; key++)
        if (raw(SYS_pkey_free, key, 0, 0) < 0 || raw(SYS_pkey_alloc, 0, 0, 0) < 0)
            return "EPERM";
    return read_secret(a);
}

/* The neighbour's page gets the key that this function may use. */
static const char *try_steal(struct attacker *a)
{
    uint32_t pkru = read_pkru();
    long key = 1, result;

    while (key < KEYS && pkru >> 2 * key & 3)
        key++;
    result = raw4(SYS_pkey_mprotect, a->arg[0], PAGE, PROT_READ | PROT_WRITE, (uint64_t)key);
    return result < 0 ? said(a, result) : read_secret(a);
}

/* ---- a process that is told to reach into another one, which is itself ---- */

static const char *try_vm_read(struct attacker *a)
{
    uint8_t byte = 0;
    struct iovec to = {&byte, 1}, from = {(void *)a->arg[0], 1};

    if (syscall(SYS_process_vm_readv, a->arg[1], &to, 1, &from, 1, 0) < 0)
        return attack_outcome(a, -1);
    return attack_say(a, "read %#x", byte);
}

static const char *try_vm_write(struct attacker *a)
{
    uint8_t byte = 0;
    struct iovec from = {&byte, 1}, to = {(void *)a->arg[0], 1};

    return attack_outcome(a, syscall(SYS_process_vm_writev, a->arg[1], &from, 1, &to, 1, 0));
}

static const char *try_process_madvise(struct attacker *a)
{
    struct iovec what = {(void *)a->arg[0], PAGE};
    long self = syscall(SYS_pidfd_open, a->arg[1], 0);

    if (self < 0)
        return attack_outcome(a, self);
    return attack_outcome(a, syscall(SYS_process_madvise, self, &what, 1, MADV_DONTNEED, 0));
}

static const char *try_pidfd_getfd(struct attacker *a)
{
    long self = syscall(SYS_pidfd_open, a->arg[1], 0);

    return attack_outcome(a, self < 0 ? self : syscall(SYS_pidfd_getfd, self, CHANNEL, 0));
}

/* A child has no Syscall User Dispatch any more. */
static const char *fork_with(struct attacker *a, long number, uint64_t a1, uint64_t a2)
{
    long result = raw(number, a1, a2, 0);

    if (result == 0)
        raw(SYS_exit_group, 0, 0, 0);
    return said(a, result);
}

static const char *try_fork(struct attacker *a)
{
    return fork_with(a, SYS_fork, 0, 0);
}

static const char *try_vfork(struct attacker *a)
{
    return fork_with(a, SYS_vfork, 0, 0);
}

static const char *try_clone(struct attacker *a)
{
    return fork_with(a, SYS_clone, SIGCHLD, 0);
}

static const char *try_clone3(struct attacker *a)
{
    struct clone_args how = {.exit_signal = SIGCHLD};

    return fork_with(a, SYS_clone3, (uint64_t)&how, sizeof how);
}

/* A child writes into its parent. */
static const char *try_ptrace(struct attacker *a)
{
    long child = raw(SYS_fork, 0, 0, 0), pid = (long)a->arg[1];

    if (child < 0)
        return said(a, child);
    if (child == 0) {
        if (syscall(SYS_ptrace, PTRACE_ATTACH, pid, 0, 0) == 0 && syscall(SYS_wait4, pid, NULL, __WALL, NULL) == pid)
            syscall(SYS_ptrace, PTRACE_POKEDATA, pid, a->arg[0], 0);
        raw(SYS_exit_group, 0, 0, 0);
    }
    let_time_pass();
    return said(a, child);
}

static const char *try_execve(struct attacker *a)
{
    char *const arguments[] = {(char *)"true", NULL};

    return attack_outcome(a, syscall(SYS_execve, "/bin/true", arguments, NULL));
}

static const char *try_execveat(struct attacker *a)
{
    char *const arguments[] = {(char *)"true", NULL};

    return attack_outcome(a, syscall(SYS_execveat, AT_FDCWD, "/bin/true", arguments, NULL, 0));
}

static const char *try_setrlimit(struct attacker *a)
{
    struct rlimit none = {0, 0};

    return attack_outcome(a, syscall(a->arg[1], a->arg[1] == SYS_prlimit64 ? 0 : RLIMIT_NOFILE,
                                     a->arg[1] == SYS_prlimit64 ? (uint64_t)RLIMIT_NOFILE : (uint64_t)&none, &none, 0));
}

static const char *try_chroot(struct attacker *a)
{
    return attack_outcome(a, syscall(SYS_chroot, "/proc"));
}

/* ---- what the kernel does later, or elsewhere ---- */

/* A ring in the function's own memory, whose one entry reads a file into the neighbour's. */
static const char *try_uring(struct attacker *a)
{
    static uint8_t rings[4 * PAGE] __attribute__((aligned(PAGE)));
    static struct io_uring_sqe entries[64] __attribute__((aligned(PAGE)));
    struct io_uring_params p = {.flags = 1 << 14 /* IORING_SETUP_NO_MMAP */};
    const struct io_uring_cqe *done;
    long ring;

    memset(rings, 0, sizeof rings);
    ((uint64_t *)&p.sq_off)[4] = (uint64_t)entries;
    ((uint64_t *)&p.cq_off)[4] = (uint64_t)rings;
    ring = syscall(SYS_io_uring_setup, 1, &p);
    if (ring < 0)
        return attack_outcome(a, ring);
    entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_READ, .fd = CHANNEL, .addr = a->arg[0], .len = 16};
    *(uint32_t *)(rings + p.sq_off.array) = 0;
    *(volatile uint32_t *)(rings + p.sq_off.tail) = 1;
    if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
        return attack_outcome(a, -1);
    done = (const struct io_uring_cqe *)(rings + p.cq_off.cqes);
    return done->res < 0 ? said(a, done->res) : attack_say(a, "the kernel wrote %d bytes", done->res);
}

/* The same with the older interface: it reads whatever the memory of others holds into a file. */
static const char *try_aio(struct attacker *a)
{
    static uint64_t context;

    return attack_outcome(a, syscall(SYS_io_setup, 8, &context));
}

static const char *try_vmsplice(struct attacker *a)
{
    struct iovec what = {a->arg[1] ? (void *)a->arg[0] : own, PAGE};
    int ends[2];

    if (syscall(SYS_pipe2, ends, 0) < 0)
        return attack_outcome(a, -1);
    return attack_outcome(a, syscall(SYS_vmsplice, ends[1], &what, 1, 0));
}

/* Reads that go round the page cache write to memory which they hold on to. */
static const char *try_direct(struct attacker *a)
{
    return attack_outcome(a, open("/lib64/ld-linux-x86-64.so.2", O_RDONLY | O_DIRECT));
}

/* ---- signals ---- */

/* The next signal's frame would be written where the function can change it. */
static const char *try_altstack(struct attacker *a)
{
    static uint8_t stack[65536] __attribute__((aligned(65536)));
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof stack};
    long result = syscall(SYS_sigaltstack, &alt, NULL);

    raw(SYS_gettid, 0, 0, 0);
    for (size_t i = 0; i < sizeof stack; i++)
        if (stack[i])
            return "the frame is mine";
    return said(a, result);
}

/* Without a handler the signal ends the process. */
static const char *try_sigaction(struct attacker *a)
{
    uint64_t action[4] = {0};
    long result = syscall(SYS_rt_sigaction, a->arg[1], action, NULL, 8);

    raw(SYS_gettid, 0, 0, 0);
    return said(a, result);
}

/* At the thread that has no alternate stack. */
static const char *try_tgkill(struct attacker *a)
{
    siginfo_t info = {.si_code = SI_QUEUE};
    long result = syscall((long)a->arg[1], a->arg[2], a->arg[2], a->arg[3], &info);

    let_time_pass();
    return attack_outcome(a, result);
}

/* Signals that come at any time end the process, which has no handler for them. */
static const char *try_itimer(struct attacker *a)
{
    struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    long result = syscall(SYS_setitimer, ITIMER_REAL, &soon, NULL);

    let_time_pass();
    return attack_outcome(a, result);
}

/* ---- what the kernel keeps of a thread ---- */

/* Whatever is mapped to be read can then be executed, too. */
static const char *try_personality(struct attacker *a)
{
    static const uint8_t code[] = {0x0f, 0x01, 0xef, 0xc3};
    uint8_t *at;

    if (syscall(SYS_personality, 0x400000) < 0)
        return attack_outcome(a, -1);
    at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(at, code, sizeof code);
    return attack_use_rights(a, at);
}

static const char *try_no_dispatch(struct attacker *a)
{
    if (syscall(SYS_prctl, 59, 0, 0, 0, 0) < 0)
        return attack_outcome(a, -1);
    return try_raw(a);
}

/* A thread that ends: the kernel would write there with whatever rights it then has. */
static const char *try_gs(struct attacker *a)
{
    long result = syscall(SYS_arch_prctl, 0x1001, own);

    return attack_outcome(a, result);
}

/* ---- files ---- */

/* The test removes what comes of it. */
static const char *try_names(struct attacker *a)
{
    char name[64], other[80];

    attack_say(a, "/tmp/nightward-attack-%lu", a->arg[1]);
    strcpy(name, a->text);
    strcpy(other, name);
    strcat(other, "-other");
    if (a->arg[2] == SYS_symlink)
        return attack_outcome(a, syscall(SYS_symlink, "/proc/self/mem", name));
    syscall(SYS_symlink, "/proc/self/mem", name);
    return attack_outcome(a, syscall((long)a->arg[2], name, other));
}

/* Says something to the engine in the worker's name, or hears what is meant for the worker. */
static const char *try_message(struct attacker *a)
{
    char byte = 0;
    struct iovec what = {&byte, 1};
    struct msghdr message = {.msg_iov = &what, .msg_iovlen = 1};

    return attack_outcome(a, syscall(a->arg[1], CONTROL, &message, MSG_DONTWAIT));
}

static const char *try_sendfile(struct attacker *a)
{
    off_t from = 0;

    return attack_outcome(a, syscall(SYS_sendfile, 1, CHANNEL, &from, 16));
}

const struct attack attacks[] = {
    {"raw", try_raw},
    {"regrant", try_regrant},
    {"steal", try_steal},
    {"vm-read", try_vm_read},
    {"vm-write", try_vm_write},
    {"process-madvise", try_process_madvise},
    {"pidfd-getfd", try_pidfd_getfd},
    {"fork", try_fork},
    {"vfork", try_vfork},
    {"clone", try_clone},
    {"clone3", try_clone3},
    {"ptrace", try_ptrace},
    {"execve", try_execve},
    {"execveat", try_execveat},
    {"setrlimit", try_setrlimit},
    {"chroot", try_chroot},
    {"uring", try_uring},
    {"aio", try_aio},
    {"vmsplice", try_vmsplice},
    {"direct", try_direct},
    {"altstack", try_altstack},
    {"sigaction", try_sigaction},
    {"itimer", try_itimer},
    {"tgkill", try_tgkill},
    {"personality", try_personality},
    {"no-dispatch", try_no_dispatch},
    {"gs", try_gs},
    {"names", try_names},
    {"message", try_message},
    {"sendfile", try_sendfile},
    {0},
};
