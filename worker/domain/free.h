/*
 * The list of func workers of a domain that wait for an invocation, and its lock. A nested call takes one from the list
 * and gives it back; locked instructions would cost more than all else that this takes. So an executor that has taken
 * the lock many times in a row becomes its owner and goes on without locked instructions, until somebody else wants it
 * and has the kernel put a memory barrier into all threads that run (membarrier).
 *
 * Other locks may be held or not. `ex` is the calling executor, which may be the owner; NULL if it is no executor.
 */
#ifndef NW_WORKER_DOMAIN_FREE_H
#define NW_WORKER_DOMAIN_FREE_H

#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdbool.h>

/* 0, or negative errno: the kernel puts no such barriers, so nobody becomes an owner and all goes on by the lock. */
int nw_free_init(void);

/* For a few instructions, never across what can fault or sleep. */
void nw_free_lock(struct nw_domain *domain, struct nw_executor *ex);
void nw_free_unlock(struct nw_domain *domain);

/* Takes all func workers off the list. Returns them, linked by `next` and still FREE. */
struct nw_slot *nw_free_drain(struct nw_domain *domain);

/* The owner stores in_free, then checks that it still is the owner. Who takes the lock away clears free_owner, has a
 * barrier put into the owner's thread, then reads in_free. So one of the two sees the other. False: not the owner. */
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

/* True: entered as the owner; nw_free_leave must be told so. */
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

/* NULL when none is free, or the domain cannot run now. */
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
