/* The type of a deployment, which is a version of a function, and of all of them. Their life is in deployments.h. */
#ifndef NW_ENGINE_VERSIONS_DEPLOYMENT_H
#define NW_ENGINE_VERSIONS_DEPLOYMENT_H

#include "common/base/status.h"
#include "common/manifest/manifest.h"
#include "engine/base/list.h"
#include "engine/code/code.h"
#include "engine/names/names.h"
#include "engine/serve/function.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_SHA256_HEX   64
#define NW_VERSION_SIZE 13

struct nw_deployments;
struct nw_engine;
struct nw_registry;
struct nw_tenant;
struct nw_workers;

enum nw_deployment_state {
    NW_DEPLOYMENT_LOADING,
    NW_DEPLOYMENT_COMMITTING,
    NW_DEPLOYMENT_SERVING,
    NW_DEPLOYMENT_FAILED, /* persisted, but refused when it was loaded again */
    NW_DEPLOYMENT_RETIRING,
    NW_DEPLOYMENT_STATES
};

struct nw_deployment {
    struct nw_list link;       /* in all->list */
    struct nw_list of_loading; /* in all->loading while it is LOADING */
    struct nw_deployments *all;
    struct nw_function *function; /* NULL once it retires */
    struct nw_tenant *tenant;     /* holds it until the end */
    struct nw_version version;    /* of it, what serving needs */
    enum nw_deployment_state state;
    struct nw_kept_manifest manifest;
    char sha256[NW_SHA256_HEX + 1];
    struct nw_code code;
    struct nw_names *names; /* of names.h: NULL when there are none, or it was not asked for them yet */
    bool persisted;
    struct nw_list replicas;
    uint64_t deadline;    /* of loading */
    uint64_t load_took;   /* ms, the last time; 0: not yet */
    uint32_t called_from; /* the worker from which most calls of other functions came through the engine */
    unsigned calls;       /* ... so many more than from all others */
    uint64_t moved_at;    /* when a replica last moved; 0: never */
    uint64_t failed_at;   /* when it became FAILED, or what was refused was last tried again; 0: never */
    unsigned held;        /* other threads that know it: see threads.h */
    char *reason;         /* what version.reason points to, once there was one; see nw__deployment_because */
};

/* What those who asked for a version hear of it. */
struct nw_deployment_events {
    /* A new one is loaded everywhere: once its row is written, nw_deployment_committed follows. */
    void (*loaded)(struct nw_deployment *deployment);

    /* A new one cannot be, for version.reason: nw_deployment_retire follows. */
    void (*refused)(struct nw_deployment *deployment, enum nw_status status);

    /* It has ended, and needs its code no more. */
    void (*ended)(void *arg, const char *sha256);
};

struct nw_deployments {
    struct nw_engine *engine;
    struct nw_workers *workers;
    const struct nw_deployment_events *events;
    void *events_arg;
    struct nw_registry *registry; /* of the code */
    struct nw_list list;
    struct nw_list loading;
    unsigned unsettled;     /* LOADING, of those whose rows were there at the start */
    struct nw_list round;   /* replicas that serve: those at its head were looked at longest ago */
    struct nw_list leaving; /* replicas */
    uint32_t last_number;
    bool reap; /* something that retires may have come further */
    struct nw_resolver resolver;
};

/* The one behind a version of this thread; NULL for NULL. */
static inline struct nw_deployment *nw_deployment_of(const struct nw_version *version)
{
    return version ? nw_container(version, struct nw_deployment, version) : NULL;
}

#endif
