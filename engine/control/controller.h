/*
 * The main thread of the engine: what it does beside serving, from its start to its end, and in which order. Not
 * responsible for how any of that is done.
 */
#ifndef NW_ENGINE_CONTROL_CONTROLLER_H
#define NW_ENGINE_CONTROL_CONTROLLER_H

struct nw_engine;

/* Prepares everything that needs no file and no socket. Ends the process when memory is out. */
void nw_controller_init(struct nw_engine *engine);

/* Serves until told to end by the supervisor or a signal. */
void nw_controller_run(struct nw_engine *engine);

void nw_controller_fini(struct nw_engine *engine);

#endif
