/*
 * Deployments: how a version of a function is loaded into workers, serves and ends. Not responsible for who asked for
 * it or for the registry (operations/operations.c).
 */
#ifndef NW_ENGINE_VERSIONS_DEPLOYMENTS_H
#define NW_ENGINE_VERSIONS_DEPLOYMENTS_H

#include "common/manifest/control.h"
#include "engine/versions/deployment.h"
#include "engine/versions/replica.h"
#include <stdbool.h>

struct nw_deployment;
struct nw_engine;
struct nw_function;
struct nw_manifest;
struct nw_replica;
struct nw_seat;
struct nw_snapshot_files;

void nw_deployments_init(struct nw_deployments *all, struct nw_engine *engine, struct nw_workers *workers,
                         const struct nw_deployment_events *events, void *events_arg);

/* Frees what finds versions, when none is left. */
void nw_deployments_fini(struct nw_deployments *all);

/*
 * Makes a version of `function` from code in the store, and begins to load it where the policy says. `persisted`: its
 * row is in the registry already, so it becomes function->current at once; unless replicas of it are to be warm, it is
 * loaded only when it is called. NULL when memory is out.
 */
struct nw_deployment *nw_deployment_new(struct nw_deployments *all, struct nw_function *function,
                                        const struct nw_manifest *manifest, const char *sha256,
                                        const struct nw_release *release, bool persisted);

bool nw_deployment_is_valid(const struct nw_deployment *deployment);

/* The row of a loaded deployment is written: it serves, and the version before it retires. */
void nw_deployment_committed(struct nw_deployment *deployment);

/* A function that no worker serves is called: its version gets the replicas that it lacks, and those that were refused
 * are tried again now and then. */
void nw_deployment_wanted(struct nw_function *function);

/* A function in the worker of this number called it through the engine, and not within that worker. */
void nw_deployment_called(struct nw_deployment *deployment, uint32_t worker);

/* Good code was stored: what failed for want of it is loaded. */
void nw_deployments_code_stored(struct nw_deployments *all, const char *sha256);

/* Ends a deployment. Invocations that are bound to it finish first, then its domains in the workers end. */
void nw_deployment_retire(struct nw_deployment *deployment);

/* Takes each retiring deployment as far as it can go now, and frees those that are through. To be called before the
 * loop waits. */
void nw_deployments_reap(struct nw_deployments *all);

/* Gives up new versions that take too long to load. */
void nw_deployments_tick(struct nw_deployments *all);

/* Whether no version that was in the registry at the start is LOADING any more. */
bool nw_deployments_settled(const struct nw_deployments *all);

/* Says which of these snapshots its versions have. */
void nw_deployments_use_snapshots(struct nw_deployments *all, struct nw_snapshot_files *files);

/* Whether some deployment still needs this code in the store. */
bool nw_deployments_use_code(const struct nw_deployments *all, const char *sha256);

/* How it is found: by its code, and by its number. 0 or -ENOMEM. */
int nw__deployment_index(struct nw_deployment *deployment);
void nw__deployment_unindex(struct nw_deployment *deployment);

/* The first that has just this code, and the next that has the same; NULL: none. */
struct nw_deployment *nw__deployment_coded(const struct nw_deployments *all, const char *sha256);
struct nw_deployment *nw__deployment_coded_next(const struct nw_deployment *deployment);

/* The one that workers know by this number, or NULL. */
struct nw_deployment *nw_deployment_numbered(const struct nw_deployments *all, uint32_t number);

/* The version for people and programs: the hash that tells it. */
void nw_deployment_version(const struct nw_deployment *deployment, char version[NW_VERSION_SIZE]);

/* "loading", "serving", "failed", ... */
const char *nw_deployment_state_name(enum nw_deployment_state state);

/* Loads into the worker of a seat all that may be loaded now. */
void nw__deployments_load_next(struct nw_seat *seat);

/* Other threads of the engine are to be told of it anew. */
void nw__deployment_changed(struct nw_deployment *deployment);

/* Frees a replica that no worker has, and its seat when only this deployment could use that. */
void nw__deployment_drop(struct nw_replica *replica);

/* Copies a reason to be shown as version.reason. */
void nw__deployment_because(struct nw_deployment *deployment, const char *reason);

/* Keeps why its last load took no snapshot; empty: it did, or none was wanted. */
void nw__deployment_explain(struct nw_deployment *deployment, const char *no_snapshot);

/* A replica cannot be loaded, for `reason`. Judges its deployment anew. */
void nw__deployment_refuse(struct nw_replica *replica, const char *reason);

/* No worker can be started for one of its seats, for `why`, while it is LOADING. A new version is refused; one that was
 * in the registry is judged without that seat. */
void nw__deployment_stuck(struct nw_deployment *deployment, const char *why);

/* Decides from its replicas whether a deployment is loaded. A new version that one replica refused is refused as a
 * whole. Otherwise it is loaded when one replica is; while it is LOADING, none may be undecided any more. A persisted
 * version that every replica refused has failed. */
void nw__deployment_judge(struct nw_deployment *deployment);

#endif
