/*
 * The main thread of the engine: what it does beside serving, from its start to its end, and in which order. Not
 * responsible for how any of that is done.
 */
#ifndef NW_ENGINE_CONTROL_CONTROLLER_H
#define NW_ENGINE_CONTROL_CONTROLLER_H

#include "engine/control/deployments.h"
#include "engine/serve/engine.h"

/* What only the main thread has. */
struct nw_controller {
    struct nw_engine engine; /* as every thread has one */
    struct nw_deployments deployments;
};

/* Prepares everything that needs no file and no socket. Ends the process when memory is out. */
void nw_controller_init(struct nw_controller *controller);

/* Serves until told to end by the supervisor or a signal. */
void nw_controller_run(struct nw_controller *controller);

void nw_controller_fini(struct nw_controller *controller);

/* Looks whether the state directory is still there, before something is to be kept: engine->state.lost. */
void nw_controller_look_at_state(struct nw_engine *engine);

#endif
