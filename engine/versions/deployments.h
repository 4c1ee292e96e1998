/*
 * Deployments: the life of a version of a function, and of its replicas in the workers. Not responsible for who asked
 * for it or for the registry (control/operations.c).
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

void nw_deployments_init(struct nw_deployments *all, struct nw_engine *engine, struct nw_workers *workers,
                         const struct nw_deployment_events *events, void *events_arg);

/*
 * A version of `function` whose code is in the store: begins to load where the policy says. `persisted`: its row is in
 * the registry already, so it serves as soon as it is loaded, and becomes function->current at once. NULL when memory
 * is out.
 */
struct nw_deployment *nw_deployment_new(struct nw_deployments *all, struct nw_function *function,
                                        const struct nw_manifest *manifest, const char *sha256, bool persisted);

bool nw_deployment_is_valid(const struct nw_deployment *deployment);

/* The row of a loaded deployment is written: it serves, and the version before it retires. */
void nw_deployment_committed(struct nw_deployment *deployment);

/* A function that no worker serves is called: its version gets a replica, unless there is one already. */
void nw_deployment_wanted(struct nw_function *function);

/* A function in the worker of this number called it, and not within the worker. */
void nw_deployment_called(struct nw_deployment *deployment, uint32_t worker);

/* Good code was stored: what failed for want of it is loaded. */
void nw_deployments_code_stored(struct nw_deployments *all, const char *sha256);

/* Ends a deployment: what chose it is finished, then its domains end. */
void nw_deployment_retire(struct nw_deployment *deployment);

/* Carries on what retires, as far as its invocations are through. To be called before the loop waits. */
void nw_deployments_reap(struct nw_deployments *all);

/* Gives up loading what takes too long. */
void nw_deployments_tick(struct nw_deployments *all);

/* Whether every persisted function was loaded or refused. */
bool nw_deployments_settled(const struct nw_deployments *all);

/* Whether some deployment still needs this code in the store. */
bool nw_deployments_use_code(const struct nw_deployments *all, const char *sha256);

/* The version for people and programs: the first 12 digits of the code's SHA-256. */
void nw_deployment_version(const struct nw_deployment *deployment, char version[NW_VERSION_SIZE]);

/* "loading", "serving", "failed", ... */
const char *nw_deployment_state_name(enum nw_deployment_state state);

/* Loads into the worker of a seat what may be loaded now. */
void nw__deployments_load_next(struct nw_seat *seat);

/* Ends a replica that no worker has, and its seat when that was its own. */
void nw__deployment_drop(struct nw_replica *replica);

/* Keeps a reason, for version.reason. */
void nw__deployment_because(struct nw_deployment *deployment, const char *reason);

/* A replica cannot be loaded, for `reason`; looks what that means for its deployment. */
void nw__deployment_refuse(struct nw_replica *replica, const char *reason);

/* One of its seats gets no worker, for `why`: a new one is refused; one that was there is judged without that seat. */
void nw__deployment_stuck(struct nw_deployment *deployment, const char *why);

/* Looks at all replicas. It is loaded when one has loaded it and, before it ever served, none has yet to. A persisted
 * version has failed when it was refused everywhere; a new one that was refused anywhere is refused as a whole. */
void nw__deployment_judge(struct nw_deployment *deployment);

#endif
