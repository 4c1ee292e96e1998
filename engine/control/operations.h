/*
 * Deploying and removing functions, one operation of a function at a time, the others queued: code into the store,
 * version into the workers, row into the registry, in this order. What waits for the disk waits on another thread.
 */
#ifndef NW_ENGINE_CONTROL_OPERATIONS_H
#define NW_ENGINE_CONTROL_OPERATIONS_H

#include "common/base/status.h"
#include "engine/base/list.h"
#include <stdbool.h>
#include <stddef.h>

struct nw_buffer;
struct nw_deployment;
struct nw_deployments;
struct nw_engine;
struct nw_function;
struct nw_manifest;

/* How it ended: `status` OK with the deployment that serves now (NULL after a removal), else why not. */
typedef void nw_operation_done(void *arg, enum nw_status status, const struct nw_deployment *deployment,
                               const char *reason);

struct nw_operations {
    struct nw_engine *engine;
    struct nw_deployments *deployments;
    struct nw_threads *threads;
    struct nw_registry *registry;
    struct nw_list list; /* of each function the first is under way, the others wait */
    struct nw_list ended;
    struct nw_list to_commit; /* those whose change of the registry is next */
    bool commits;             /* changes of others are being written */
    unsigned storing;         /* those that rely on code in the store that no deployment names yet */
    struct nw_list forgotten; /* code to remove from the store when that is over */
};

void nw__operations_init(struct nw_operations *all, struct nw_engine *engine, struct nw_deployments *deployments,
                         struct nw_threads *threads);

/* Deploys `code` under the manifest's name; takes over both. `done` comes once, later. 0 or -ENOMEM, then nothing is
 * taken over and `done` does not come. */
int nw_deploy(struct nw_operations *all, struct nw_manifest *manifest, struct nw_buffer *code, nw_operation_done *done,
              void *arg);

/* Removes a function. As nw_deploy. */
int nw_remove(struct nw_operations *all, struct nw_function *function, nw_operation_done *done, void *arg);

/* How operations hear of the versions that they ask for; with them as `arg`. */
extern const struct nw_deployment_events nw__operation_events;

/* Tells, ends and frees the operations that are over. To be called before the loop waits, and by nobody who is in the
 * middle of something: functions may go with them. */
void nw__operations_bury(struct nw_operations *all);

/* Makes functions of what the registry has, which everything is kept in from then on. */
void nw__operations_load_registry(struct nw_operations *all, struct nw_registry *registry);

#endif
