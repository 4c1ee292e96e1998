/*
 * Deploying, rolling back and removing functions. A deployment puts code into the store, loads the version into
 * workers, and writes its row to the registry, in this order. Each function has one operation under way, and a queue of
 * others. Whatever waits for the disk does so on another thread.
 */
#ifndef NW_ENGINE_OPERATIONS_OPERATIONS_H
#define NW_ENGINE_OPERATIONS_OPERATIONS_H

#include "common/base/buffer.h"
#include "common/base/status.h"
#include "engine/base/list.h"
#include "engine/operations/unused.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_deployment;
struct nw_deployments;
struct nw_engine;
struct nw_function;
struct nw_manifest;
struct nw_traffic_route;

/* How it ended: `status` OK with the deployment that serves now (NULL after a removal), else why not. */
typedef void nw_operation_done(void *arg, enum nw_status status, const struct nw_deployment *deployment,
                               const char *reason);

struct nw_operations {
    struct nw_engine *engine;
    struct nw_deployments *deployments;
    struct nw_threads *threads;
    struct nw_registry *registry;
    struct nw_list list; /* all operations; the first one of each function is under way, the others wait */
    struct nw_list ended;
    struct nw_list to_commit;     /* operations whose change of the registry is to be written next */
    bool commits;                 /* another thread is writing changes */
    struct nw_list untold_routes; /* what other threads are to be told of who gets requests */
    struct nw_buffer routed;      /* at the start: functions with routes */
    struct nw__unused unused;
    struct nw_list to_store; /* operations that wait until no code is being removed */
};

void nw_operations_init(struct nw_operations *all, struct nw_engine *engine, struct nw_deployments *deployments,
                        struct nw_threads *threads);

/* Deploys `code` under the manifest's name; takes over both. `percent`: the part of the
 * requests that the new version gets beside the one that serves, which stays current; 0: it takes its place.
 * `unless_unchanged`: when the version that serves is the same, it is left alone; else it is loaded anew. `done` comes
 * once, later. 0 or -ENOMEM, then nothing is taken over and `done` does not come. */
int nw_deploy(struct nw_operations *all, struct nw_manifest *manifest, struct nw_buffer *code, unsigned percent,
              bool unless_unchanged, nw_operation_done *done, void *arg);

/* Deals out the requests for the name of a function, or for an alias of it, among versions that are kept; without
 * shares ends that. What a route for the name itself leaves goes to the version that is current. As nw_deploy; `done`
 * hears of the current version. */
int nw_share(struct nw_operations *all, struct nw_function *function, const struct nw_traffic_route *route,
             nw_operation_done *done, void *arg);

/* A version of a function that is kept serves again: that of this number, or for 0 the one before the one that serves.
 * It is loaded first, as a deployment is. As nw_deploy. */
int nw_roll_back(struct nw_operations *all, struct nw_function *function, uint32_t number, nw_operation_done *done,
                 void *arg);

/* Removes a function. As nw_deploy. */
int nw_remove(struct nw_operations *all, struct nw_function *function, nw_operation_done *done, void *arg);

/* How operations hear of the versions that they ask for. To be passed to nw_deployments_init, with nw_operations as
 * arg. */
extern const struct nw_deployment_events nw_operation_events;

/* Calls `done` of operations that are over, and frees them. To be called before the loop waits, when nobody is in the
 * middle of anything: functions may be freed, too. */
void nw_operations_bury(struct nw_operations *all);

/* Makes functions of all that the registry has, and uses that registry from then on. */
void nw_operations_load_registry(struct nw_operations *all, struct nw_registry *registry);

#endif
