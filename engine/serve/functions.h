/* The table of functions by name. Not responsible for their versions (deployments.c). */
#ifndef NW_ENGINE_SERVE_FUNCTIONS_H
#define NW_ENGINE_SERVE_FUNCTIONS_H

#include "engine/serve/engine.h"

/* The function of this name, or NULL. */
struct nw_function *nw_function_find(struct nw_engine *engine, const char *name, size_t length);

/* The function of this name, made if there is none. NULL when memory is out. */
struct nw_function *nw_function_get(struct nw_engine *engine, const char *name);

/* Takes it out of the table; its memory lives until the last invocation lets go of it. */
void nw_function_remove(struct nw_function *function);

/* An invocation lets go. */
void nw_function_unref(struct nw_function *function);

/* Calls back for each function. The callback may remove it. */
void nw_functions_each(struct nw_engine *engine, void (*callback)(struct nw_function *function, void *arg), void *arg);

#endif
