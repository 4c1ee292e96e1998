/*
 * The system call filter of a worker, built with libseccomp: what the monitor calls, and what it passes on for domains.
 * It is the second layer, for the whole process. What a domain may call is decided by the monitor's own policy, which
 * this filter binds as well: a call that the policy passes on must be listed here, or it fails with EPERM.
 */
#include "launcher/filter.h"
#include "common/manifest/manifest.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif

#define THIS_PROCESS 0xffffd8f0 /* PIDFD_SELF_THREAD_GROUP, which the headers of Debian 12 do not have */

#define NAMESPACES \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* With whatever arguments. */
static const int allowed[] = {
    /* memory; pages become executable by rules of their own below */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(pkey_alloc),
    SCMP_SYS(memfd_create),
    /* open files */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(preadv),
    SCMP_SYS(preadv2),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(readlink),
    SCMP_SYS(getdents64),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(dup3),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(timer_create),
    SCMP_SYS(timer_settime),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(timerfd_gettime),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(openat2),
    /* threads and signals of its own */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(sched_yield),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    /* time, randomness and the machine */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrandom),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getcpu),
    SCMP_SYS(sched_getaffinity),
};

/* What functions of other profiles are also passed on. */
static const struct profile_call {
    uint32_t profile;
    int call;
} for_profile[] = {
    {NW_PROFILE_NET, SCMP_SYS(connect)},      {NW_PROFILE_NET, SCMP_SYS(sendto)},
    {NW_PROFILE_NET, SCMP_SYS(recvfrom)},     {NW_PROFILE_NET, SCMP_SYS(shutdown)},
    {NW_PROFILE_NET, SCMP_SYS(getsockname)},  {NW_PROFILE_NET, SCMP_SYS(getpeername)},
    {NW_PROFILE_NET, SCMP_SYS(getsockopt)},   {NW_PROFILE_NET, SCMP_SYS(setsockopt)},
    {NW_PROFILE_FILES, SCMP_SYS(fstatfs)},    {NW_PROFILE_FILES, SCMP_SYS(faccessat2)},
    {NW_PROFILE_FILES, SCMP_SYS(readlinkat)}, {NW_PROFILE_FILES, SCMP_SYS(mkdirat)},
    {NW_PROFILE_FILES, SCMP_SYS(unlinkat)},   {NW_PROFILE_FILES, SCMP_SYS(renameat)},
    {NW_PROFILE_FILES, SCMP_SYS(renameat2)},  {NW_PROFILE_FILES, SCMP_SYS(pwrite64)},
    {NW_PROFILE_FILES, SCMP_SYS(pwritev)},    {NW_PROFILE_FILES, SCMP_SYS(ftruncate)},
    {NW_PROFILE_FILES, SCMP_SYS(fallocate)},  {NW_PROFILE_FILES, SCMP_SYS(fsync)},
    {NW_PROFILE_FILES, SCMP_SYS(fdatasync)},  {NW_PROFILE_FILES, SCMP_SYS(flock)},
    {NW_PROFILE_FILES, SCMP_SYS(msync)},      {NW_PROFILE_FILES, SCMP_SYS(fchmod)},
    {NW_PROFILE_FILES, SCMP_SYS(fchmodat)},   {NW_PROFILE_FILES, SCMP_SYS(utimensat)},
    {NW_PROFILE_FILES, SCMP_SYS(symlinkat)},  {NW_PROFILE_FILES, SCMP_SYS(linkat)},
    {NW_PROFILE_FILES, SCMP_SYS(sendfile)},   {NW_PROFILE_FILES, SCMP_SYS(copy_file_range)},
};

/* With these arguments only: (argument & mask) == value. */
struct argument_rule {
    int call;
    unsigned argument;
    uint64_t mask, value;
};

#define ALL UINT64_MAX
#define WX  ((uint64_t)(PROT_WRITE | PROT_EXEC))

static const struct argument_rule rules[] = {
    /* never writable and executable at once */
    {SCMP_SYS(mmap), 2, WX, 0},
    {SCMP_SYS(mmap), 2, WX, PROT_WRITE},
    {SCMP_SYS(mmap), 2, WX, PROT_EXEC},
    {SCMP_SYS(mprotect), 2, WX, 0},
    {SCMP_SYS(mprotect), 2, WX, PROT_WRITE},
    {SCMP_SYS(mprotect), 2, WX, PROT_EXEC},
    {SCMP_SYS(pkey_mprotect), 2, WX, 0},
    {SCMP_SYS(pkey_mprotect), 2, WX, PROT_WRITE},
    {SCMP_SYS(pkey_mprotect), 2, WX, PROT_EXEC},
    /* memory of its own */
    {SCMP_SYS(process_madvise), 0, UINT32_MAX, THIS_PROCESS},
    /* for reading; the monitor opens what domains name by openat2 */
    {SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    {SCMP_SYS(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY},
    /* nothing that makes the kernel signal another process */
    {SCMP_SYS(fcntl), 1, ALL, F_DUPFD},
    {SCMP_SYS(fcntl), 1, ALL, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), 1, ALL, F_GETFD},
    {SCMP_SYS(fcntl), 1, ALL, F_SETFD},
    {SCMP_SYS(fcntl), 1, ALL, F_GETFL},
    {SCMP_SYS(fcntl), 1, ALL, F_SETFL},
    {SCMP_SYS(fcntl), 1, ALL, F_ADD_SEALS},
    {SCMP_SYS(fcntl), 1, ALL, F_GET_SEALS},
    {SCMP_SYS(fcntl), 1, ALL, F_OFD_GETLK},
    {SCMP_SYS(fcntl), 1, ALL, F_OFD_SETLK},
    {SCMP_SYS(fcntl), 1, ALL, F_OFD_SETLKW},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONREAD},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONBIO},
    {SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_SYSCALL_USER_DISPATCH},
    {SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_DUMPABLE},
    /* in mode process the worker adds a filter of its own, for all its threads; with other flags nothing of seccomp */
    {SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NO_NEW_PRIVS},
    {SCMP_SYS(seccomp), 1, ALL, SECCOMP_FILTER_FLAG_TSYNC},
    /* threads, no processes */
    {SCMP_SYS(clone), 0, CLONE_THREAD | NAMESPACES, CLONE_THREAD},
    /* a doorbell is rung without waiting */
    {SCMP_SYS(pwritev2), 5, ALL, RWF_NOWAIT},
    /* limits are read, not set */
    {SCMP_SYS(prlimit64), 2, ALL, 0},
};

static int allow_if(scmp_filter_ctx ctx, const struct argument_rule *rule)
{
    const struct scmp_arg_cmp compare = {
        .arg = rule->argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = rule->mask, .datum_b = rule->value};

    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, rule->call, 1, &compare);
}

static int allow_listed(scmp_filter_ctx ctx)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && rc == 0; i++)
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && rc == 0; i++)
        rc = allow_if(ctx, &rules[i]);
    return rc;
}

static int allow_profile(scmp_filter_ctx ctx, uint32_t profile)
{
    const struct argument_rule families[] = {
        {SCMP_SYS(socket), 0, UINT32_MAX, AF_INET},
        {SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6},
        {SCMP_SYS(socketpair), 0, UINT32_MAX, AF_UNIX},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof for_profile / sizeof for_profile[0] && rc == 0; i++)
        if (profile & for_profile[i].profile)
            rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, for_profile[i].call, 0);
    for (size_t i = 0; i < sizeof families / sizeof families[0] && rc == 0 && profile & NW_PROFILE_NET; i++)
        rc = allow_if(ctx, &families[i]);
    return rc;
}

/* What depends on this process and on the one program that it still has to become. */
static int allow_own(scmp_filter_ctx ctx, uint64_t exec_cookie)
{
    const struct argument_rule own[] = {
        {SCMP_SYS(tgkill), 0, UINT32_MAX, (uint64_t)getpid()},
        {SCMP_SYS(execveat), 5, ALL, exec_cookie},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof own / sizeof own[0] && rc == 0; i++)
        rc = allow_if(ctx, &own[i]);
    /* Its flags lie in memory, where a filter cannot look; the C library falls back to clone on ENOSYS. */
    return rc < 0 ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int build(scmp_filter_ctx ctx, uint64_t exec_cookie, uint32_t profile)
{
    /* A call of another architecture, x32 among them, would be matched against the wrong numbers. */
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc < 0)
        return rc;
    /* A binary tree instead of a list: every call of the worker passes through it. */
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc < 0)
        return rc;
    rc = allow_listed(ctx);
    if (rc == 0)
        rc = allow_profile(ctx, profile);
    return rc < 0 ? rc : allow_own(ctx, exec_cookie);
}

int nw__filter_load(uint64_t exec_cookie, uint32_t profile)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return -ENOMEM;
    int rc = build(ctx, exec_cookie, profile);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}
