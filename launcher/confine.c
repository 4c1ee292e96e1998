/*
 * Confines a worker: its namespaces, no new privileges, a user of its own, no capabilities, resource limits. The system
 * call filter is in filter.c, the files it sees in view.c.
 * Not responsible for what a domain inside the worker may do: that is the monitor's policy.
 */
#include "launcher/confine.h"
#include "common/base/log.h"
#include "common/manifest/manifest.h"
#include "launcher/filter.h"
#include "launcher/namespaces.h"
#include "launcher/view.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdbool.h>
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
    bool of_user; /* the kernel counts it by user: only for a worker whose user is nobody else's */
} limits[] = {
    {RLIMIT_CORE, 0, false},     {RLIMIT_NOFILE, 65536, false}, {RLIMIT_FSIZE, 1UL << 30, false},
    {RLIMIT_MEMLOCK, 0, false},  {RLIMIT_RTPRIO, 0, false},     {RLIMIT_NICE, 0, false},
    {RLIMIT_MSGQUEUE, 0, false}, {RLIMIT_NPROC, 2048, true},
};

/* Never above what the launcher may have; up to there a worker's shares of descriptors need them
 * (worker/account/room.c).
 */
static int set_limits(bool own_user)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit now;

        if (limits[i].of_user && !own_user)
            continue;
        if (getrlimit(limits[i].resource, &now) != 0) {
            failed = -errno;
            continue;
        }
        if (now.rlim_max > limits[i].limit)
            now.rlim_max = limits[i].limit;
        if (now.rlim_cur > now.rlim_max || limits[i].resource == RLIMIT_NOFILE)
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

/* A change of user takes the death signal away. */
static int change_user(uid_t user)
{
    int death_signal;

    if (prctl(PR_GET_PDEATHSIG, &death_signal) != 0 || setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
        setresuid(user, user, user) != 0 || prctl(PR_SET_PDEATHSIG, death_signal) != 0)
        return -errno;
    return 0;
}

/* Only what starts with capabilities, as root or in a user namespace, can touch the bounding set, and only that needs
 * to; and it can no more once it is another user. */
static int give_up_rights(uid_t user, bool has_capabilities, unsigned *missing)
{
    int bounding = has_capabilities ? empty_bounding_set() : 0;
    int rc = user ? change_user(user) : 0;

    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (clear_capability_sets() < 0 || bounding < 0)
        *missing |= 1U << NW_LAYER_CAPABILITIES;
    if (!user)
        *missing |= 1U << NW_LAYER_USER;
    return rc;
}

static int refuse(const char *what, int error)
{
    nw_log(NW_LOG_ERROR, "cannot confine a worker: %s: %s", what, strerror(-error));
    return error;
}

/* The launcher has tried out these namespaces when it started, so a failure here is temporary. */
static int settle_in_namespaces(const struct nw_confinement *c)
{
    int rc = 0;

    if (c->namespaces & CLONE_NEWUSER)
        rc = nw__namespaces_keep_user(c->starter, c->starter_group);
    if (rc < 0)
        return refuse("its user namespace", rc);
    if (c->namespaces & CLONE_NEWUTS && sethostname("worker", 6) != 0)
        return refuse("its host name", -errno);
    if (c->namespaces & CLONE_NEWNS)
        rc = nw__view_make(c->profile & NW_PROFILE_NET);
    return rc < 0 ? refuse("its view of the files", rc) : 0;
}

static unsigned missing_namespaces(int namespaces)
{
    static const struct {
        int flag;
        enum nw_layer layer;
    } layers[] = {
        {CLONE_NEWNET, NW_LAYER_NETWORK}, {CLONE_NEWNS, NW_LAYER_FILES},      {CLONE_NEWPID, NW_LAYER_PROCESSES},
        {CLONE_NEWIPC, NW_LAYER_IPC},     {CLONE_NEWUTS, NW_LAYER_HOST_NAME},
    };
    unsigned missing = 0;

    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (!(namespaces & layers[i].flag))
            missing |= 1U << layers[i].layer;
    return missing;
}

int nw__confine(const void *arg)
{
    const struct nw_confinement *c = arg;
    bool has_capabilities = geteuid() == 0 || c->namespaces & CLONE_NEWUSER;
    unsigned missing = missing_namespaces(c->namespaces);
    int rc = settle_in_namespaces(c);

    if (rc < 0)
        return rc;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refuse("no_new_privs", -errno);
    if (set_limits(c->user != 0) < 0)
        missing |= 1U << NW_LAYER_LIMITS;
    rc = give_up_rights(c->user, has_capabilities, &missing);
    if (rc < 0)
        return refuse("a user of its own", rc);
    rc = nw__filter_load(c->exec_cookie, c->mode, c->profile);
    if (rc < 0 && c->mode == NW_MODE_PROCESS)
        return refuse("seccomp, which mode process cannot do without", rc);
    if (rc < 0)
        missing |= 1U << NW_LAYER_SECCOMP;
    return (int)missing;
}

static const struct {
    const char *name, *obstacle;
} layers[NW_LAYERS_COUNT] = {
#define X(layer, name, obstacle) [NW_LAYER_##layer] = {name, obstacle},
    NW_LAYERS(X)
#undef X
};

const char *nw__layer_name(enum nw_layer layer)
{
    return layers[layer].name;
}

const char *nw__layer_obstacle(enum nw_layer layer)
{
    return layers[layer].obstacle;
}
