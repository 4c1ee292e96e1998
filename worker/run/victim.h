/* Which domain is to lose its key to another: one that is idle, and of those the one that was used longest ago. */
#ifndef NW_WORKER_RUN_VICTIM_H
#define NW_WORKER_RUN_VICTIM_H

#include <stdbool.h>
#include <stdint.h>

struct nw_domain;

/* What a domain does with its key. */
struct nw_activity {
    bool waits; /* a flow could run */
    bool runs;  /* an executor has its rights, or will have when a nested call returns */
    bool serves;
    uint64_t served; /* changes when an invocation begins */
};

struct nw_activity nw__activity_of(const struct nw_domain *domain);

/* For the domain that wants one. NULL: nobody's turn is over. Lock held. */
struct nw_domain *nw__victim(const struct nw_domain *wants, uint64_t now);

#endif
