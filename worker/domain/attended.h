/*
 * The domains for which a deadline or a timer may pass: the control thread looks at these alone, so that idle domains
 * cost it nothing. One is put here when something of it is ready, or begins to sleep or to wait, and goes when an
 * executor comes back from it, or a look finds it quiet. Nested calls are too frequent to do so: run/watch.c adds what
 * executors run, and the callers above it.
 *
 * Lock held.
 */
#ifndef NW_WORKER_DOMAIN_ATTENDED_H
#define NW_WORKER_DOMAIN_ATTENDED_H

#include "worker/domain/domain.h"
#include <stdbool.h>
#include <stddef.h>

void nw__attend(struct nw_domain *domain);
void nw__unattend(struct nw_domain *domain);

static inline void nw_attend(struct nw_domain *domain)
{
    if (!domain->attended)
        nw__attend(domain);
}

/* It is quiet. */
static inline void nw_unattend(struct nw_domain *domain)
{
    if (domain->attended)
        nw__unattend(domain);
}

/* Each in turn; the first is the one after NULL. Those that are put here meanwhile come too. */
struct nw_domain *nw_attended_after(const struct nw_domain *domain);

/* Drops those that are quiet. */
void nw_attended_drop(bool (*is_quiet)(const struct nw_domain *domain));

#endif
