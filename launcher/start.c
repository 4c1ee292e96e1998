/* Starts one worker: checks what the engine asks for, builds the command line, spawns it confined. */
#include "launcher/start.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "common/host/policy.h"
#include "common/host/spawn.h"
#include "common/manifest/manifest.h"
#include "launcher/confine.h"
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define MAX_EXECUTORS     256
#define MIN_RING_CAPACITY 2
#define MAX_RING_CAPACITY (1U << 20)
#define PAGE              4096U
#define MAX_ARENA         (UINT64_C(1) << 36)

static int refuse(char *why, size_t why_size, const char *what, uint64_t value)
{
    snprintf(why, why_size, "the engine asked for %s %" PRIu64, what, value);
    return -EINVAL;
}

int nw__start_check(const struct nw_control_message *message, char *why, size_t why_size)
{
    const struct nw_control *head = &message->head;
    const struct nw_geometry *g = &head->geometry;
    uint32_t capacity = g->ring_capacity;

    if (message->n_fds != NW_CONTROL_FDS_START)
        return refuse(why, why_size, "a worker with a number of file descriptors of", (uint64_t)message->n_fds);
    if (head->mode <= NW_MODE_AUTO || head->mode >= NW_MODE_COUNT)
        return refuse(why, why_size, "isolation mode number", head->mode);
    if (head->profile & ~(uint32_t)(NW_PROFILE_COMPUTE | NW_PROFILE_NET | NW_PROFILE_FILES))
        return refuse(why, why_size, "profile number", head->profile);
    if (head->policy >= NW_POLICIES)
        return refuse(why, why_size, "a policy of number", head->policy);
    if (head->executors < 1 || head->executors > MAX_EXECUTORS)
        return refuse(why, why_size, "a number of executors of", head->executors);
    if (capacity < MIN_RING_CAPACITY || capacity > MAX_RING_CAPACITY || (capacity & (capacity - 1)) != 0)
        return refuse(why, why_size, "a ring capacity of", capacity);
    if (g->arena_size < PAGE || g->arena_size > MAX_ARENA || g->arena_size % PAGE != 0)
        return refuse(why, why_size, "an arena size of", g->arena_size);
    return 0;
}

/* Functions with profile net use the host's network. */
static int shared_namespaces(uint32_t profile)
{
    return profile & NW_PROFILE_NET ? CLONE_NEWNET : 0;
}

/* Layers that a profile does without. */
static unsigned layers_without(uint32_t profile)
{
    return (profile & NW_PROFILE_NET ? 1U << NW_LAYER_NETWORK : 0) |
           (profile & NW_PROFILE_FILES ? 1U << NW_LAYER_USER : 0);
}

static void log_missing_once(unsigned missing)
{
    static unsigned logged;

    for (unsigned i = 0; i < NW_LAYERS_COUNT; i++)
        if (missing & ~logged & (1U << i))
            nw_log(NW_LOG_WARN, "workers are not confined by: %s: %s", nw__layer_name(i), nw__layer_obstacle(i));
    logged |= missing;
}

static void describe_layers(unsigned missing, unsigned without, char *text)
{
    size_t used = 0;

    for (unsigned i = 0; i < NW_LAYERS_COUNT; i++) {
        bool there = !(missing & (1U << i));

        if (without & (1U << i))
            continue;
        used += (size_t)snprintf(text + used, NW_LAYERS_TEXT - used, "%c%s%s%s\n", there ? '+' : '-', nw__layer_name(i),
                                 there ? "" : ": ", there ? "" : nw__layer_obstacle(i));
    }
}

static pid_t spawn_confined(const struct nw_start_place *place, char *const *argv,
                            const struct nw_control_message *message, char *layers, char *why, size_t why_size)
{
    /* rseq must be off before the worker's C library starts: the kernel would write its area with a domain's rights. */
    char log_format[48];
    snprintf(log_format, sizeof log_format, NW_LOG_FORMAT_VARIABLE "=%s",
             getenv(NW_LOG_FORMAT_VARIABLE) ? getenv(NW_LOG_FORMAT_VARIABLE) : "text");
    char *const environment[] = {"GLIBC_TUNABLES=glibc.pthread.rseq=0",
                                 "LANG=C.UTF-8",
                                 "TZ=UTC",
                                 log_format,
                                 getenv("NW_CHAOS_PREEMPT") ? "NW_CHAOS_PREEMPT=1" : NULL,
                                 NULL};
    struct nw_confinement confinement = {
        .mode = (enum nw_mode)message->head.mode,
        .profile = message->head.profile,
        .namespaces = place->namespaces & ~shared_namespaces(message->head.profile),
        .starter = geteuid(),
        .starter_group = getegid(),
        .user = place->user,
    };
    unsigned missing;
    const char *step;

    if (getrandom(&confinement.exec_cookie, sizeof confinement.exec_cookie, 0) !=
        (ssize_t)sizeof confinement.exec_cookie) {
        snprintf(why, why_size, "cannot get random bytes: %s", strerror(errno));
        return -errno;
    }
    struct nw_spawn spec = {
        .path = place->worker_path,
        .argv = argv,
        .envp = environment,
        .fds = message->fds,
        .n_fds = message->n_fds,
        .death_signal = SIGKILL,
        .namespaces = confinement.namespaces,
        .confine = nw__confine,
        .confine_arg = &confinement,
        .exec_cookie = confinement.exec_cookie,
    };
    pid_t pid = nw_spawn(&spec, &missing, &step);
    if (pid < 0) {
        char text[NW_ERROR_TEXT];
        snprintf(why, why_size, "cannot start %s: cannot %s: %s", place->worker_path, step, nw_error_text(-pid, text));
    } else {
        unsigned without = layers_without(message->head.profile);
        log_missing_once(missing & ~without);
        describe_layers(missing, without, layers);
    }
    return pid;
}

pid_t nw__start_worker(const struct nw_start_place *place, const struct nw_control_message *message, char *layers,
                       char *why, size_t why_size)
{
    const struct nw_control *head = &message->head;
    char executors[16], capacity[16], arena[24], number[16], mappings[24], watches[24];
    char *argv[] = {
        "nightward-worker",
        "--mode",
        (char *)nw_mode_name((enum nw_mode)head->mode),
        "--policy",
        (char *)nw_policy_name((enum nw_policy)head->policy),
        "--executors",
        executors,
        "--ring-capacity",
        capacity,
        "--arena-size",
        arena,
        "--worker",
        number,
        "--mappings",
        mappings,
        "--watches",
        watches,
        NULL,
    };

    snprintf(executors, sizeof executors, "%" PRIu32, head->executors);
    snprintf(capacity, sizeof capacity, "%" PRIu32, head->geometry.ring_capacity);
    snprintf(arena, sizeof arena, "%" PRIu64, head->geometry.arena_size);
    snprintf(number, sizeof number, "%" PRIu32, head->worker);
    /* A worker sees nothing of /proc/sys. */
    snprintf(mappings, sizeof mappings, "%" PRIu64,
             nw_kernel_setting("/proc/sys/vm/max_map_count", NW_MAPPINGS_DEFAULT));
    snprintf(watches, sizeof watches, "%" PRIu64,
             nw_kernel_setting("/proc/sys/fs/epoll/max_user_watches", NW_WATCHES_DEFAULT));
    return spawn_confined(place, argv, message, layers, why, why_size);
}
