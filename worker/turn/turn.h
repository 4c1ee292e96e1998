/*
 * The policy by which slots have turns: who goes first of those that wait, and how long who runs may keep its executor
 * from them. Pure: knows numbers only, and keeps none. What it is told of a domain may be what the domain wants, so no
 * policy lets a domain do more by it than move its own slots.
 */
#ifndef NW_WORKER_TURN_TURN_H
#define NW_WORKER_TURN_TURN_H

#include "common/host/policy.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_TURN_ENDLESS UINT64_MAX

/* What one of them may say for itself. */
struct nw_claim {
    bool brief;
    uint64_t due;  /* when its deadline is, in ticks */
    uint64_t used; /* time of its function, in ticks */
};

/* The lowest goes first; `arrival` grows with each that comes. */
uint64_t nw_turn_rank(enum nw_policy policy, const struct nw_claim *claim, uint64_t arrival);

/* For how many ns who runs may have run before it makes way to this one. */
uint64_t nw_turn_most(enum nw_policy policy, const struct nw_claim *runs, const struct nw_claim *waits,
                      uint64_t quantum);

/* The policies, a file each. */
uint64_t nw__levels_most(const struct nw_claim *waits, uint64_t quantum);
uint64_t nw__deadline_most(const struct nw_claim *runs, const struct nw_claim *waits, uint64_t quantum);
uint64_t nw__fair_most(const struct nw_claim *runs, const struct nw_claim *waits, uint64_t quantum);

#endif
