/*
 * The system call filter of a worker, built with libseccomp. It is the second layer, for the whole process: what a
 * domain may call is decided by the monitor, which this filter binds as well.
 */
#include "launcher/filter.h"
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>

/* Neither the monitor nor a function needs these, and each has been a way out of a sandbox or a way round keys. */
static const int refused[] = {
    /* other processes, and memory reached past the protection keys */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(process_mrelease),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(memfd_secret),
    SCMP_SYS(vmsplice),
    SCMP_SYS(personality),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(move_pages),
    SCMP_SYS(migrate_pages),
    /* work that the kernel does later, with rights of another moment */
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(io_setup),
    SCMP_SYS(io_submit),
    /* the view of the system */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(fanotify_mark),
    SCMP_SYS(lookup_dcookie),
    /* the kernel itself */
    SCMP_SYS(bpf),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    /* new processes: threads come through clone */
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(execveat),
};

static int refuse_listed(scmp_filter_ctx ctx)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int refuse_processes(scmp_filter_ctx ctx, uint64_t exec_cookie)
{
    int rc =
        seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    if (rc < 0)
        return rc;
    /* Its flags lie in memory, where a filter cannot look; the C library falls back to clone on ENOSYS. */
    rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (rc < 0)
        return rc;
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 1, SCMP_A5(SCMP_CMP_NE, exec_cookie, 0));
}

static int build(scmp_filter_ctx ctx, uint64_t exec_cookie)
{
    /* A call of another architecture would be matched against the wrong numbers. */
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc < 0)
        return rc;
    /* A binary tree instead of a list: every call of the worker passes through it. */
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc < 0)
        return rc;
    rc = refuse_listed(ctx);
    return rc < 0 ? rc : refuse_processes(ctx, exec_cookie);
}

int nw_filter_load(uint64_t exec_cookie)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (!ctx)
        return -ENOMEM;
    int rc = build(ctx, exec_cookie);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}
