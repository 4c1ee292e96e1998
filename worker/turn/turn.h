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
#define NW_TURN_WEIGHT  100 /* of a function of which nothing else is said */

/* What one of them may say for itself. */
struct nw_claim {
    bool brief;
    uint64_t due;  /* when its deadline is, in ticks */
    uint64_t used; /* time of its function, in ticks, by its weight */
};

/* The lowest goes first, and of equal ones who came first. */
uint64_t nw_turn_rank(enum nw_policy policy, const struct nw_claim *claim);

/* Whether those that are brief, or those that are not, go by the time that their functions have used. */
bool nw_turn_by_time(enum nw_policy policy, bool brief);

/* Time that a function of this weight has used, as it counts for that: twice the weight, half of it. */
static inline uint64_t nw_turn_weighed(uint64_t ran, uint32_t weight)
{
    return ran * NW_TURN_WEIGHT / weight;
}

/* For how many ns who runs may have run before it makes way to this one. */
uint64_t nw_turn_most(enum nw_policy policy, const struct nw_claim *runs, const struct nw_claim *waits,
                      uint64_t quantum);

/* The policies, a file each. */
uint64_t nw__levels_rank(const struct nw_claim *claim);
uint64_t nw__levels_most(const struct nw_claim *waits, uint64_t quantum);
uint64_t nw__completion_most(void);
uint64_t nw__robin_most(uint64_t quantum);
uint64_t nw__deadline_most(const struct nw_claim *runs, const struct nw_claim *waits, uint64_t quantum);
uint64_t nw__fair_most(const struct nw_claim *runs, const struct nw_claim *waits, uint64_t quantum);

#endif
