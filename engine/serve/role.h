/*
 * What the threads of the engine do each in its own way: the main one decides about workers and versions
 * (control/controller.c), the others are told (threads/thread.c). A thread has one role from its start.
 */
#ifndef NW_ENGINE_SERVE_ROLE_H
#define NW_ENGINE_SERVE_ROLE_H

#include <stdbool.h>

struct nw_engine;
struct nw_failure;
struct nw_function;
struct nw_link;

struct nw_role {
    /* Once in each turn of the loop, when nothing else is under way: buries what has ended, carries on what waits. */
    void (*tend)(struct nw_engine *engine);

    /* A tenth of a second has passed. */
    void (*tick)(struct nw_engine *engine);

    /* Why the host is not ready; NULL when it is. */
    const char *(*unready)(const struct nw_engine *engine);

    /* A request for this function failed; `failure` lives until this returns. */
    void (*failed)(struct nw_engine *engine, struct nw_function *function, const struct nw_failure *failure);

    /* Whether functions in the worker behind `link` may call `function`, which may be NULL. NULL: the rings of this
     * thread carry no calls. */
    bool (*may_call)(const struct nw_link *link, const struct nw_function *function);
};

#endif
