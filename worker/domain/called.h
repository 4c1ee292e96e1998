/*
 * How often a domain called others of this worker, by route. A slot counts for itself, without a cache line that others
 * write; what it has no room for goes to its domain. Whoever adds up (wire/report.c) may miss what is just being moved,
 * and finds it the next time.
 */
#ifndef NW_WORKER_DOMAIN_CALLED_H
#define NW_WORKER_DOMAIN_CALLED_H

#include "common/base/atomic.h"
#include "worker/domain/domain.h"
#include <stdint.h>
#include <string.h>

#define NW__CALLED_SHIFT 44 /* an entry: the route above, the number of calls below */
#define NW__CALLED_MASK  ((1ull << NW__CALLED_SHIFT) - 1)

/* By the executor that has the slot. */
static inline void nw_called_note(struct nw_slot *slot, uint64_t route)
{
    uint64_t *entry = &slot->called[route % NW_CALLED], was = *entry;

    if (was >> NW__CALLED_SHIFT != route) {
        nw_fetch_add(&slot->domain->called[was >> NW__CALLED_SHIFT], was & NW__CALLED_MASK); /* read by wire/report.c */
        was = route << NW__CALLED_SHIFT;
    }
    nw_store_relaxed(entry, was + 1); /* read by wire/report.c */
}

/* A slot begins anew; what it counted, in the same domain, is kept. Lock held, here and below. */
static inline void nw_called_keep(struct nw_slot *slot, struct nw_domain *domain)
{
    for (unsigned i = 0; i < NW_CALLED; i++) {
        const uint64_t entry = slot->called[i];

        domain->calls_others |= entry != 0;
        if (entry)
            nw_fetch_add(&domain->called[entry >> NW__CALLED_SHIFT], entry & NW__CALLED_MASK);
    }
}

/* Adds what was called to `sums`, by route. Whether there was anything. */
static inline bool nw_called_add(struct nw_domain *domain, uint64_t sums[NW_DEPLOYED_MAX], uint32_t n_routes)
{
    bool any = domain->calls_others;

    for (uint32_t i = 0; i < domain->slots_end; i++)
        for (unsigned k = 0; k < NW_CALLED; k++) {
            const uint64_t entry = nw_load_relaxed(&domain->slots[i].called[k]);

            any |= entry != 0;
            sums[entry >> NW__CALLED_SHIFT] += entry & NW__CALLED_MASK;
        }
    domain->calls_others = any;
    for (uint32_t i = 0; i < n_routes && any; i++)
        sums[i] += nw_load_relaxed(&domain->called[i]);
    return any;
}

/* For a new domain in the record of another. Its pages are touched only where there was something. */
static inline void nw_called_reset(struct nw_domain *domain)
{
    for (uint32_t i = 0; i < domain->slots_end; i++)
        for (unsigned k = 0; k < NW_CALLED; k++) {
            domain->calls_others |= domain->slots[i].called[k] != 0;
            domain->slots[i].called[k] = 0;
        }
    if (domain->calls_others) {
        memset(domain->called, 0, sizeof(domain->called));
        memset(domain->called_told, 0, sizeof(domain->called_told));
    }
    domain->calls_others = false;
}

#endif
