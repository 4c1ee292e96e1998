/*
 * Confines a worker: no new privileges, no capabilities, resource limits. The system call filter is in filter.c.
 * Not responsible for what a domain inside the worker may do: that is the monitor's policy.
 */
#include "launcher/confine.h"
#include "common/log.h"
#include "launcher/filter.h"
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCKED_NO_ROOT                                                                               \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED | \
     SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

static const struct {
    int resource;
    rlim_t limit;
} limits[] = {
    {RLIMIT_CORE, 0},
    {RLIMIT_NOFILE, 4096},
    {RLIMIT_MEMLOCK, 0},
    {RLIMIT_MSGQUEUE, 0},
};

/* Lowers limits, never raises one. */
static int set_limits(void)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit now;

        if (getrlimit(limits[i].resource, &now) != 0) {
            failed = -errno;
            continue;
        }
        if (now.rlim_max > limits[i].limit)
            now.rlim_max = limits[i].limit;
        if (now.rlim_cur > now.rlim_max)
            now.rlim_cur = now.rlim_max;
        if (setrlimit(limits[i].resource, &now) != 0)
            failed = -errno;
    }
    return failed;
}

static int clear_capability_sets(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

    memset(none, 0, sizeof none);
    return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
}

/* Empties the bounding set, so that not even an execve by user 0 gives a capability back. */
static int empty_bounding_set(void)
{
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
            return -errno;
    return prctl(PR_SET_SECUREBITS, LOCKED_NO_ROOT, 0, 0, 0) == 0 ? 0 : -errno;
}

static int drop_capabilities(void)
{
    int rc = 0;

    /* Only user 0 gets capabilities from an execve, and only it may touch the bounding set. */
    if (geteuid() == 0)
        rc = empty_bounding_set();
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    int cleared = clear_capability_sets();
    return rc < 0 ? rc : cleared;
}

static int refuse(const char *what, int error)
{
    nw_log(NW_LOG_ERROR, "cannot confine a worker: %s: %s", what, strerror(-error));
    return error;
}

int nw_confine(const void *arg)
{
    const struct nw_confinement *c = arg;
    unsigned shortfalls = 0;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse("no_new_privs", -errno);
    if (drop_capabilities() < 0)
        shortfalls |= 1U << NW_SHORT_CAPABILITIES;
    if (set_limits() < 0)
        shortfalls |= 1U << NW_SHORT_RLIMITS;
    int rc = nw_filter_load(c->exec_cookie);
    if (rc < 0 && c->mode == NW_MODE_PROCESS)
        return refuse("seccomp, which mode process cannot do without", rc);
    if (rc < 0)
        shortfalls |= 1U << NW_SHORT_SECCOMP;
    return (int)shortfalls;
}

const char *nw_shortfall_text(enum nw_shortfall shortfall)
{
    static const char *const text[NW_SHORT_COUNT] = {
        [NW_SHORT_CAPABILITIES] = "cannot drop every capability of a worker; run nightward as an ordinary user",
        [NW_SHORT_RLIMITS] = "cannot lower every resource limit of a worker",
        [NW_SHORT_SECCOMP] = "cannot load the system call filter of a worker; the domains' own mediation still holds",
    };

    return shortfall < NW_SHORT_COUNT ? text[shortfall] : "unknown";
}
