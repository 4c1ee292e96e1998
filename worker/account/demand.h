/*
 * How many func workers a domain needs: the policy, a function of nothing but what it is told. The moving average of
 * how many of them are busy is the rate of invocations times the time that one takes, whatever these are (Little's
 * law). Not responsible for making or ending func workers (call/extra.h).
 */
#ifndef NW_WORKER_ACCOUNT_DEMAND_H
#define NW_WORKER_ACCOUNT_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

/* All zero to begin with. */
struct nw_demand {
    uint64_t average; /* of busy func workers, in parts of 1/65536 */
    uint64_t sampled_at;
    uint64_t waiting;       /* what was first in the queue at the last sample; 0: nothing */
    uint64_t waiting_since; /* ... since which sample */
};

/* So many are busy, and this waits for one: a number that nothing else has; 0: nothing waits. In ns. */
void nw_demand_sample(struct nw_demand *demand, uint32_t busy, uint64_t waiting, uint64_t now);

/* So many should be kept, from 1 to `most`: a quarter more than the average. */
uint32_t nw_demand_keeps(const struct nw_demand *demand, uint32_t most);

/*
 * Whether one more should be made, since none is free: while fewer of them can run than there are executors, for the
 * others wait for something; or when what is first has waited for long already, for then they take long. Those that
 * are brief and many need no more than there are executors.
 */
bool nw_demand_grows(const struct nw_demand *demand, uint32_t runnable, uint32_t executors);

#endif
