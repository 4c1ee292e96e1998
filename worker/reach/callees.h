/*
 * Which functions a function may call (docs/functions.md), by name, and by route for the nested call: the names are
 * looked up when either of the two comes, not when a call is made. Lock held, but where it says otherwise.
 */
#ifndef NW_WORKER_REACH_CALLEES_H
#define NW_WORKER_REACH_CALLEES_H

#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/reach/route.h"

/* By a list as nw_calls_resolve makes one. 0 or -ENOMEM. */
int nw_callees_init(struct nw_deployed *function, const char *list);

/* A function of this name is active: it may be the first one, and have a new route. */
void nw_callees_activated(const char *name);
void nw_callees_fini(struct nw_deployed *function);

/* Whether it may call the function of this name. If not, that is counted, and logged now and then. */
bool nw_callee_allowed(struct nw_deployed *function, const char *name);

/* Whether a domain may make a nested call by a route. Whether the lock is held or not; lets it pass when a new route is
 * just being allowed, and then the domain cannot know it yet. */
static inline bool nw_callee_has_route(const struct nw_domain *domain, const struct nw_route *route)
{
    const uint64_t index = (uint64_t)(route - nw__routes.route);

    return !domain->calls_some || nw_without(NW_DEFENCE_CALLS) ||
           nw_load_relaxed(&domain->function->callees.routes[index / 64]) >> index % 64 & 1;
}

#endif
