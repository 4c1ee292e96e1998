/*
 * The main thread of the engine: what it does beside serving, from its start to its end, and in which order. Not
 * responsible for how any of that is done.
 */
#ifndef NW_ENGINE_CONTROL_CONTROLLER_H
#define NW_ENGINE_CONTROL_CONTROLLER_H

#include "engine/serve/engine.h"
#include "engine/versions/deployments.h"
#include "engine/workers/workers.h"

/* What only the main thread has. */
struct nw_controller {
    struct nw_engine engine; /* as every thread has one */
    struct nw_workers workers;
    struct nw_deployments deployments;
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

/* Looks whether the state directory is still there, before something is to be kept: engine->state.lost. */
void nw_controller_look_at_state(struct nw_engine *engine);

#endif
