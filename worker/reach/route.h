/*
 * Which function a name means in this worker: whom a nested call of the name reaches. The gate reads routes without a
 * lock; they are changed with the monitor's lock held.
 */
#ifndef NW_WORKER_REACH_ROUTE_H
#define NW_WORKER_REACH_ROUTE_H

#include "common/base/atomic.h"
#include "common/manifest/manifest.h"
#include "worker/base/limits.h"
#include <stdint.h>

struct nw_deployed;
struct nw_domain;

/* A name that a nested call may use. Another name gets the route only when no domain is left that was told its index,
 * since a function remembers that, and no function that may call some names only, this one among them. A name for which
 * there is no room has none, and calls of it go by way of the engine. */
struct nw_route {
    char name[NW_NAME_MAX + 1];
    struct nw_deployed *function; /* release/acquire; NULL when nothing of this name is active here */
};

struct nw_routes {
    struct nw_route route[NW_DEPLOYED_MAX];
    uint32_t n;
};

extern struct nw_routes nw__routes; /* for route.c, and what is inline here */

static inline uint32_t nw_route_count(void)
{
    return nw_load_acquire(&nw__routes.n); /* stored by nw_route_set after the route was written */
}

static inline const struct nw_route *nw_route_at(uint32_t index)
{
    return &nw__routes.route[index];
}

/* NULL: nothing of the name is active. */
static inline struct nw_deployed *nw_route_function(const struct nw_route *route)
{
    return nw_load_acquire(&route->function); /* stored by nw_route_set and nw_routes_clear */
}

/* ---- lock held ---- */

/* The route of a name under which something is active, or -ENOENT. */
int nw_route_find(const char *name);

/* The same for a domain, which may use it until its end; and that end. */
int nw_route_tell(const struct nw_domain *domain, const char *name);
void nw_routes_forget(const struct nw_domain *domain);

void nw_route_set(struct nw_deployed *function); /* its name means it from now on */
void nw_routes_clear(const struct nw_deployed *function);

#endif
