/*
 * Names whose requests go to other functions: each hundred of them is dealt out by percentages, exactly and evenly, in
 * an order that never changes. All threads of the engine share one count, so that it holds for all requests together.
 * Not responsible for why a name is routed (operations/branches.h).
 */
#ifndef NW_ENGINE_ROUTE_ROUTE_H
#define NW_ENGINE_ROUTE_ROUTE_H

#include "common/manifest/manifest.h"
#include "engine/lookup/table.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_ROUTE_SHARES 8
#define NW_ROUTE_TURNS  100

struct nw_route_share {
    char name[NW_NAME_MAX + 1]; /* of the function that gets it */
    unsigned percent;           /* at least 1; all together are 100 */
};

/* Any thread that has a reference may use it. Only the counts change. */
struct nw_route {
    uint32_t references;
    uint64_t next; /* the number of the next request */
    unsigned n;
    struct nw_route_share shares[NW_ROUTE_SHARES];
    uint64_t counts[NW_ROUTE_SHARES]; /* requests that each had */
    unsigned char order[NW_ROUTE_TURNS];
};

/* With one reference, which is the caller's. NULL when memory is out. */
struct nw_route *nw_route_new(const struct nw_route_share *shares, unsigned n);
struct nw_route *nw_route_ref(struct nw_route *route);
void nw_route_unref(struct nw_route *route);

/* Whether it deals out in the same way. */
bool nw_route_is(const struct nw_route *route, const struct nw_route_share *shares, unsigned n);

/* The name of the function that gets the next request. */
const char *nw_route_take(struct nw_route *route);

/* The routes that a thread knows, by name. */
struct nw_routes {
    struct nw_table by_name;
};

void nw_routes_fini(struct nw_routes *routes);

/* NULL: the name is not routed. */
struct nw_route *nw_routes_find(const struct nw_routes *routes, const char *name, size_t length);

/* Sets a route in place of another, takes over the reference; NULL: the name is not routed any more. 0 or -ENOMEM, then
 * it is not routed. */
int nw_routes_set(struct nw_routes *routes, const char *name, struct nw_route *route);

#endif
