/* The engine's turn of the loop: what is done before it waits, a few times a second, and on the way out. */
#ifndef NW_ENGINE_THREADS_LOOP_H
#define NW_ENGINE_THREADS_LOOP_H

struct nw_engine;

/* Prepares everything that needs no file and no socket. Ends the process when memory is out. */
void nw_engine_init(struct nw_engine *engine);

/* Serves until told to end by the supervisor or a signal. */
void nw_engine_run(struct nw_engine *engine);

/* The part of that which other threads do, too: the loop, until it is stopped. */
void nw_engine_serve(struct nw_engine *engine);

/* Ends the loop, and with it everything that it has under way. */
void nw_engine_close(struct nw_engine *engine);

void nw_engine_fini(struct nw_engine *engine);

/* Stops accepting and lets run what runs; the second time, or when all is done, the loop ends. */
void nw_engine_drain(struct nw_engine *engine);

#endif
