/* The types of one deployment, which is a version of a function, and of all of them. What they do: deployments.h. */
#ifndef NW_ENGINE_VERSIONS_DEPLOYMENT_H
#define NW_ENGINE_VERSIONS_DEPLOYMENT_H

#include "common/base/status.h"
#include "common/manifest/manifest.h"
#include "engine/base/list.h"
#include "engine/code/code.h"
#include "engine/lookup/table.h"
#include "engine/names/names.h"
#include "engine/placement/addresses.h"
#include "engine/placement/graph.h"
#include "engine/serve/function.h"
#include "engine/store/release.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_SHA256_HEX   64
#define NW_VERSION_SIZE 13

struct nw_deployments;
struct nw_engine;
struct nw_logs;
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
    struct nw_list link;            /* in all->list */
    struct nw_list of_state;        /* in the list of all that are LOADING, FAILED or RETIRING as it is */
    struct nw_list untold;          /* in all->untold while other threads of the engine are to be told of a change */
    struct nw_table_node by_code;   /* in all->codes */
    struct nw_table_node by_number; /* in all->numbers */
    struct nw_deployments *all;
    struct nw_function *function; /* NULL once it retires */
    struct nw_tenant *tenant;     /* holds it until the end */
    struct nw_version version;    /* the part of it that serving needs */
    enum nw_deployment_state state;
    struct nw_kept_manifest manifest;
    char sha256[NW_SHA256_HEX + 1];
    struct nw_release release;
    struct nw_code code;
    struct nw_names *names; /* the host names that it may connect to; NULL when there are none, or nobody looked yet */
    bool persisted;
    bool unnamed;   /* nested calls of its name go by way of the engine, which deals them out; see loads.h */
    uint64_t range; /* where its domains lie in every worker; 0: not dealt yet, or anywhere */
    struct nw_list replicas;
    struct nw_edges callees; /* whom it calls, in all->graph */
    uint64_t deadline;       /* a new version is given up when it is not loaded by then */
    uint64_t load_took;      /* ms that the last load took; 0: none is done yet */
    uint32_t called_from;    /* the worker that leads among those whose functions call it through the engine */
    unsigned calls;          /* its lead: its calls add to it, those from all others take from it */
    uint64_t moved_at;       /* when a replica last moved, or a move failed; 0: never */
    unsigned moves_failed;   /* in a row */
    uint64_t failed_at;      /* when it became FAILED, or what was refused was last tried again; 0: never */
    unsigned held;           /* how many other threads still know it; it is not freed before that is 0 */
    char *no_snapshot;       /* why the last load took none, though one was wanted; NULL: it did, or none was */
    char *reason;            /* the memory behind version.reason; NULL: there was no reason yet, or no memory for it */
};

/* What whoever asked for a version (operations/operations.c) hears of it. */
struct nw_deployment_events {
    /* A new version is loaded in every place that it has. The receiver writes its row, then calls
     * nw_deployment_committed. */
    void (*loaded)(struct nw_deployment *deployment);

    /* A new version cannot be loaded, for version.reason. The receiver calls nw_deployment_retire. */
    void (*refused)(struct nw_deployment *deployment, enum nw_status status);

    /* A version has ended, and no longer needs its code. */
    void (*ended)(void *arg, const char *sha256);
};

struct nw_deployments {
    struct nw_engine *engine;
    struct nw_workers *workers;
    const struct nw_deployment_events *events;
    void *events_arg;
    struct nw_registry *registry;   /* where the code is */
    struct nw_snapshots *snapshots; /* NULL: none are kept */
    struct nw_logs *logs;           /* of functions; NULL: none are kept */
    struct nw_list list;
    struct nw_list loading, failed, retiring; /* those in that state */
    struct nw_list untold;                    /* those that have changed for other threads, if there are any */
    struct nw_table codes, numbers;           /* all, by the hash of their code, and by what workers call them */
    unsigned unsettled;                       /* how many are LOADING of those whose rows were there at the start */
    struct nw_list round;   /* replicas that have served and do not leave; those looked at longest ago come first */
    struct nw_list leaving; /* replicas that leave: see leaving.h */
    unsigned gathered; /* which of those that the last tick looked at might have left a worker that is not needed */
    uint32_t last_number;
    bool reap; /* something that retires or leaves may have come further */
    struct nw_resolver resolver;
    struct nw_addresses addresses;
    struct nw_graph graph; /* of current versions and those that end */
};

/* The deployment that contains a version; NULL for NULL. Only for versions of the main thread: those of other threads
 * are copies without a deployment around them. */
static inline struct nw_deployment *nw_deployment_of(const struct nw_version *version)
{
    return version ? nw_container(version, struct nw_deployment, version) : NULL;
}

#endif
