/*
 * Slots that wait for an executor. Domains take turns, however many slots of theirs are ready; a domain without a key
 * keeps its slots until it has one, and one whose function has used up its part of a processor until there is some
 * again (executor/spent.h). Brief ones go first (enum nw_pace). Lock held.
 */
#ifndef NW_WORKER_EXECUTOR_READY_H
#define NW_WORKER_EXECUTOR_READY_H

#include "worker/domain/slot.h"
#include "worker/turn/limit.h"
#include "worker/turn/turn.h"
#include <stdbool.h>
#include <stdint.h>

void nw_ready(struct nw_slot *slot); /* the caller schedules next, or calls nw_wake_executor */
struct nw_slot *nw_ready_take(void);
const struct nw_slot *nw_ready_first(void); /* who is next, or NULL; by policy levels a brief one if there is any */
struct nw_claim nw_ready_claim(const struct nw_slot *slot); /* what the policy is told of it */
void nw_ready_remove(struct nw_slot *slot);                 /* of a dying domain */
bool nw_ready_any(void);                                    /* a slot waits for an executor */
uint32_t nw_ready_count(void);                              /* how many do */
bool nw_ready_brief(void);                                  /* ... one that will be brief */
void nw_ready_all(struct nw_domain *domain);                /* the domain has got a key: its slots may run */
void nw_ready_again(struct nw_domain *domain);              /* its function may: those of its slots that wait, too */
void nw__ready_lend(const struct nw_slot *from); /* who is about to sleep lends its turn to one that was stopped */
void nw__ready_postponed(const struct nw_limit *limit,
                         uint64_t now);        /* somebody looks when its function may run again */
void nw_unready_all(struct nw_domain *domain); /* the domain has lost its key: its slots wait */
void nw_ready_time(uint64_t now); /* the watch says what time it is, by which slots of long pace have turns */

#endif
