/* The state directory: one engine at a time may have it. */
#ifndef NW_ENGINE_STORE_STATE_H
#define NW_ENGINE_STORE_STATE_H

#include <stddef.h>

struct nw_engine;

/* Makes the directory if it is missing and takes its lock. Ends the process with a message when it cannot. */
void nw_state_take(struct nw_engine *engine);

/* The path of a file in it. */
void nw_state_path(const struct nw_engine *engine, const char *name, char *path, size_t size);

/* Notices when somebody deletes or moves the directory, or the lock, registry or store in it, under the running engine,
 * which goes on serving: engine->state_lost. For every turn of the clock; and now, before something is to be kept. */
void nw_state_tick(struct nw_engine *engine);
void nw_state_look(struct nw_engine *engine);

/* Removes what only a running engine leaves there, and gives up the lock. */
void nw_state_leave(struct nw_engine *engine);

#endif
