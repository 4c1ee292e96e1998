/*
 * Code that nobody has any more leaves the store, on another thread. Not while anything is being stored, which may rely
 * on just that code though no deployment names it yet; and nothing may be stored meanwhile.
 */
#ifndef NW_ENGINE_OPERATIONS_UNUSED_H
#define NW_ENGINE_OPERATIONS_UNUSED_H

#include "engine/base/list.h"
#include <stdbool.h>

struct nw_deployments;
struct nw_engine;
struct nw_registry;

struct nw__unused {
    struct nw_engine *engine;
    struct nw_deployments *deployments;
    struct nw_registry *registry;
    unsigned storing;         /* how many operations store code that no deployment names yet */
    bool removing;            /* another thread removes code from the store; never while `storing` */
    struct nw_list forgotten; /* code to be removed from the store, if nobody has it, when `storing` is 0 */
    void (*removed)(void *arg);
    void *arg;
};

/* `removed` is called when `removing` has come to an end. */
void nw__unused_init(struct nw__unused *unused, struct nw_engine *engine, struct nw_deployments *deployments,
                     void (*removed)(void *arg), void *arg);

/* Somebody does not need this code any more: it is removed if nobody else has it. When memory is out for that, the next
 * start does. */
void nw__unused_code(struct nw__unused *unused, const char *sha256);

/* Code is being stored; and is not any more: a deployment names it, or it was refused. */
void nw__unused_hold(struct nw__unused *unused);
void nw__unused_release(struct nw__unused *unused);

#endif
