/*
 * The list of func workers of a domain that wait for an invocation, and its lock. A nested call takes one from the list
 * and gives it back, and a locked instruction each time would cost it more than the rest of that. So the lock goes to
 * the executor that has taken it many times in a row: that one goes on without locked instructions, until somebody else
 * wants it and has the kernel put a barrier into whatever other threads run.
 *
 * Any lock may be held. `ex` is the calling executor, for whom it may then be cheap, or NULL.
 */
#ifndef NW_WORKER_DOMAIN_FREE_H
#define NW_WORKER_DOMAIN_FREE_H

#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdbool.h>

void nw_free_init(void);

/* For a few instructions, never across what can fault or sleep. */
void nw_free_lock(struct nw_domain *domain, struct nw_executor *ex);
void nw_free_unlock(struct nw_domain *domain);

/* All of them. */
struct nw_slot *nw_free_drain(struct nw_domain *domain);

/* The owner says that it is inside, then looks whether it still is the owner; who takes the lock away says so, puts a
 * barrier between these two, and looks whether the owner is inside. One of them sees the other. False: it was not. */
static inline bool nw_free_enter_as_owner(struct nw_domain *domain, struct nw_executor *ex)
{
    if (!ex || nw_load_relaxed(&domain->free_owner) != ex)
        return false;
    nw_store_relaxed(&ex->in_free, domain);
    nw_fence_remote();                              /* pairs with the barriers in free.c */
    if (nw_load_relaxed(&domain->free_owner) == ex) /* only ex itself makes this so */
        return true;
    nw_store_release(&ex->in_free, NULL); /* loaded in free.c */
    return false;
}

/* True: as the owner. */
static inline bool nw_free_enter(struct nw_domain *domain, struct nw_executor *ex)
{
    if (nw_free_enter_as_owner(domain, ex))
        return true;
    nw_free_lock(domain, ex);
    return false;
}

static inline void nw_free_leave(struct nw_domain *domain, struct nw_executor *ex, bool as_owner)
{
    if (as_owner)
        nw_store_release(&ex->in_free, NULL); /* loaded in free.c */
    else
        nw_free_unlock(domain);
}

/* The func worker waits for an invocation. */
static inline void nw_free_push(struct nw_slot *slot, struct nw_executor *ex)
{
    struct nw_domain *domain = slot->domain;
    const bool as_owner = nw_free_enter(domain, ex);

    nw_slot_move(slot, NW_SLOT_FREE);
    slot->next = domain->free;
    domain->free = slot;
    domain->n_free++;
    nw_free_leave(domain, ex, as_owner);
}

/* NULL when none is free, or it cannot run now. */
static inline struct nw_slot *nw_free_pop(struct nw_domain *domain, struct nw_executor *ex)
{
    const bool as_owner = nw_free_enter(domain, ex);
    struct nw_slot *slot = NULL;

    if (domain->state == NW_DOMAIN_LIVE && domain->free && (domain->key != 0 || !nw_config()->keyed)) {
        slot = domain->free;
        nw_slot_move(slot, NW_SLOT_RUNNING); /* from now on its domain is not idle */
        domain->free = slot->next;
        domain->n_free--;
    }
    nw_free_leave(domain, ex, as_owner);
    return slot;
}

#endif
