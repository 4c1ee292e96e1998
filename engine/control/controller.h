/*
 * The main thread of the engine: what it does beside serving, from its start to its end, and in which order. Not
 * responsible for how any of that is done.
 */
#ifndef NW_ENGINE_CONTROL_CONTROLLER_H
#define NW_ENGINE_CONTROL_CONTROLLER_H

#include "engine/control/supervisor.h"
#include "engine/operations/operations.h"
#include "engine/serve/engine.h"
#include "engine/store/state.h"
#include "engine/threads/threads.h"
#include "engine/versions/deployments.h"
#include "engine/workers/workers.h"

/*
 * What only the main thread has, beside what every thread has (serve/engine.h):
 *
 *   function ──current──> deployment ──replicas──> replica <──replicas── seat ──> worker ──> link
 *                         (a version)      (a version in a seat)  (place of a worker) (a process)
 *
 * A seat lives on when its worker ends. A seat and a deployment belong to a tenant, and a replica joins only those of
 * the same tenant. Each kind is freed in few places, where nobody is in the middle of using it:
 *
 *   - operations in nw_operations_bury, and functions that are gone with them;
 *   - deployments in nw_deployments_reap, with their replicas, seats of their own, and their tenant, when no invocation
 *     is bound to them and no other thread holds them;
 *   - replicas that go while their deployment stays in versions/leaving.c, and spare seats in nw_workers_tick;
 *   - workers in nw_workers_bury; the link to one, with the last reference.
 */
struct nw_controller {
    struct nw_engine engine; /* what every thread has */
    struct nw_threads threads;
    struct nw_workers workers;
    struct nw_deployments deployments;
    struct nw_operations operations;
    struct nw_supervisor supervisor;
    struct nw_registry *registry;
    struct nw_state state; /* the state directory */
    char *addresses;       /* one listening address per line */
    uint64_t started;
    uint64_t drain_deadline; /* 0: not draining */
    unsigned scrapes;        /* texts of /metrics that are being written or sent */
};

static inline struct nw_controller *nw_controller_of(const struct nw_engine *engine)
{
    return nw_container(engine, struct nw_controller, engine);
}

/* Prepares everything that needs no file and no socket. Ends the process when memory is out. */
void nw_controller_init(struct nw_controller *controller);

/* Serves until told to end by the supervisor or a signal. */
void nw_controller_run(struct nw_controller *controller);

void nw_controller_fini(struct nw_controller *controller);

/* Brings controller->state.lost up to date: whether the state directory is gone. To be called before anything is to be
 * written there. */
void nw_controller_look_at_state(struct nw_controller *controller);

#endif
