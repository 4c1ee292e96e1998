/* The loop of each thread of the engine: its turn before it waits, its clock, its beginning and end. */
#ifndef NW_ENGINE_THREADS_LOOP_H
#define NW_ENGINE_THREADS_LOOP_H

struct nw_engine;

struct nw_role;

/* Prepares everything that needs no file and no socket. Ends the process when memory is out. */
void nw_loop_init(struct nw_engine *engine, const struct nw_role *role);

/* Serves until the loop is stopped. */
void nw_loop_run(struct nw_engine *engine);

/* Ends the loop, and with it everything that it has under way. */
void nw_loop_close(struct nw_engine *engine);

#endif
