/*
 * What the threads of the engine do each in its own way: the main one decides about workers and versions
 * (control/controller.c), the others are told (threads/thread.c). A thread has one role from its start.
 */
#ifndef NW_ENGINE_SERVE_ROLE_H
#define NW_ENGINE_SERVE_ROLE_H

#include "common/base/status.h"
#include <stdbool.h>
#include <stdint.h>

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

    /* Whether the version `caller`, as the worker behind `link` says, may call by `name`, which means `function` this
     * time, or nothing: NULL. OK, or what it is answered. NULL: the rings of this thread carry no calls. */
    enum nw_status (*may_call)(const struct nw_link *link, uint32_t caller, const char *name,
                               const struct nw_function *function);
};

#endif
