/*
 * The system call filter of a worker, built with libseccomp: what common/calls/kernel.def lists, which the monitor
 * calls and what it passes on for domains, and what a worker needs beside it to start and in its mode. It is the second
 * layer, for the whole process. What a domain may call is decided by the monitor's own policy, which this filter binds
 * as well: a call that the policy passes on must be listed, or it fails with EPERM.
 */
#include "launcher/filter.h"
#include "common/calls/kernel.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MPK     (1U << NW_MODE_MPK)
#define PROCESS (1U << NW_MODE_PROCESS)
#define NONE    (1U << NW_MODE_NONE)
#define EVERY   (MPK | PROCESS | NONE)

#define ALL UINT64_MAX
#define WX  ((uint64_t)(PROT_WRITE | PROT_EXEC))

/* Beside kernel.def, in these modes: when (argument & mask) == value. */
static const struct beside {
    unsigned modes;
    int call;
    unsigned argument;
    uint64_t mask, value;
} beside[] = {
    /* the C library, when it starts */
    {EVERY, SCMP_SYS(set_tid_address), 0, 0, 0},
    /* limits are read, not set */
    {EVERY, SCMP_SYS(prlimit64), 2, ALL, 0},
    /* no other process may look into it */
    {EVERY, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_DUMPABLE},
    /* keys; pages that have one are never writable and executable at once either */
    {MPK, SCMP_SYS(pkey_alloc), 0, 0, 0},
    {MPK, SCMP_SYS(pkey_mprotect), 2, WX, 0},
    {MPK, SCMP_SYS(pkey_mprotect), 2, WX, PROT_WRITE},
    {MPK, SCMP_SYS(pkey_mprotect), 2, WX, PROT_EXEC},
    /* libraries, for every function: never through a link of /proc, which would lead to what the monitor has open */
    {MPK | NONE, SCMP_SYS(openat2), 0, 0, 0},
    /* it adds a filter of its own, for all its threads; with other flags nothing of seccomp */
    {PROCESS, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NO_NEW_PRIVS},
    {PROCESS, SCMP_SYS(seccomp), 1, ALL, SECCOMP_FILTER_FLAG_TSYNC},
};

static int allow_if(scmp_filter_ctx ctx, int call, unsigned argument, uint64_t mask, uint64_t value)
{
    const struct scmp_arg_cmp compare = {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};

    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, mask ? 1 : 0, &compare);
}

static int allow_listed(scmp_filter_ctx ctx, uint32_t profile)
{
    int rc = 0;

    for (size_t i = 0; i < nw_kernel_n_lines && rc == 0; i++) {
        const struct nw_kernel_line *line = &nw_kernel_lines[i];

        if (nw_kernel_is_for(line, profile))
            rc =
                allow_if(ctx, (int)line->number, line->argument, line->mask, nw_kernel_value(line, (uint32_t)getpid()));
    }
    return rc;
}

static int allow_beside(scmp_filter_ctx ctx, enum nw_mode mode)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof beside / sizeof beside[0] && rc == 0; i++)
        if (beside[i].modes & 1U << mode)
            rc = allow_if(ctx, beside[i].call, beside[i].argument, beside[i].mask, beside[i].value);
    return rc;
}

/* The one program that this process still has to become. */
static int allow_exec(scmp_filter_ctx ctx, uint64_t exec_cookie)
{
    int rc = allow_if(ctx, SCMP_SYS(execveat), 5, ALL, exec_cookie);

    /* Its flags lie in memory, where a filter cannot look; the C library falls back to clone on ENOSYS. */
    return rc < 0 ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int build(scmp_filter_ctx ctx, uint64_t exec_cookie, enum nw_mode mode, uint32_t profile)
{
    /* A call of another architecture, x32 among them, would be matched against the wrong numbers. */
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc < 0)
        return rc;
    /* A binary tree instead of a list: every call of the worker passes through it. */
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc < 0)
        return rc;
    rc = allow_listed(ctx, profile);
    if (rc == 0)
        rc = allow_beside(ctx, mode);
    return rc < 0 ? rc : allow_exec(ctx, exec_cookie);
}

int nw__filter_load(uint64_t exec_cookie, enum nw_mode mode, uint32_t profile)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return -ENOMEM;
    int rc = build(ctx, exec_cookie, mode, profile);
    if (rc == 0)
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}
