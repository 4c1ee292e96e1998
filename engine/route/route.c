/* See route.h. */
#include "engine/route/route.h"
#include "common/base/atomic.h"
#include "engine/base/list.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct nw_table_node node;
    char name[NW_NAME_MAX + 1];
    struct nw_route *route;
};

/* Each turn adds to all shares what they are to have, and the one that has most pays for the turn. */
static void set_order(struct nw_route *route)
{
    int owed[NW_ROUTE_SHARES] = {0};
    for (unsigned turn = 0; turn < NW_ROUTE_TURNS; turn++) {
        unsigned most = 0;
        for (unsigned i = 0; i < route->n; i++) {
            owed[i] += (int)route->shares[i].percent;
            most = owed[i] > owed[most] ? i : most;
        }
        owed[most] -= NW_ROUTE_TURNS;
        route->order[turn] = (unsigned char)most;
    }
}

struct nw_route *nw_route_new(const struct nw_route_share *shares, unsigned n)
{
    struct nw_route *route = calloc(1, sizeof *route);
    if (!route)
        return NULL;
    route->references = 1;
    route->n = n;
    memcpy(route->shares, shares, n * sizeof *shares);
    set_order(route);
    return route;
}

struct nw_route *nw_route_ref(struct nw_route *route)
{
    nw_add_fetch(&route->references, 1); /* pairs with nw_route_unref */
    return route;
}

void nw_route_unref(struct nw_route *route)
{
    if (route && nw_fetch_sub(&route->references, 1) == 1) /* pairs with itself on other threads */
        free(route);
}

bool nw_route_is(const struct nw_route *route, const struct nw_route_share *shares, unsigned n)
{
    bool same = route->n == n;
    for (unsigned i = 0; same && i < n; i++)
        same = route->shares[i].percent == shares[i].percent && !strcmp(route->shares[i].name, shares[i].name);
    return same;
}

const char *nw_route_take(struct nw_route *route)
{
    uint64_t number = nw_fetch_add(&route->next, 1); /* pairs with itself: numbers differ */
    unsigned i = route->order[number % NW_ROUTE_TURNS];
    nw_fetch_add(&route->counts[i], 1); /* read relaxed, for people */
    return route->shares[i].name;
}

/* --- by name --- */

static struct entry *entry_at(struct nw_table_node *node)
{
    return nw_container(node, struct entry, node);
}

static struct entry *find(const struct nw_routes *routes, const char *name, size_t length)
{
    struct nw_table_node *node = nw_table_first(&routes->by_name, nw_table_hash(name, length));
    for (; node; node = nw_table_next(node))
        if (!strncmp(entry_at(node)->name, name, length) && !entry_at(node)->name[length])
            return entry_at(node);
    return NULL;
}

struct nw_route *nw_routes_find(const struct nw_routes *routes, const char *name, size_t length)
{
    const struct entry *entry = routes->by_name.n ? find(routes, name, length) : NULL;
    return entry ? entry->route : NULL;
}

static void entry_free(struct nw_routes *routes, struct entry *entry)
{
    nw_table_remove(&routes->by_name, &entry->node);
    nw_route_unref(entry->route);
    free(entry);
}

int nw_routes_set(struct nw_routes *routes, const char *name, struct nw_route *route)
{
    struct entry *entry = find(routes, name, strlen(name));
    if (entry)
        entry_free(routes, entry);
    if (!route)
        return 0;
    entry = calloc(1, sizeof *entry);
    if (entry) {
        snprintf(entry->name, sizeof entry->name, "%s", name);
        entry->route = route;
        if (nw_table_add(&routes->by_name, &entry->node, nw_table_hash(name, strlen(name))) == 0)
            return 0;
    }
    free(entry);
    nw_route_unref(route);
    return -ENOMEM;
}

static void free_member(void *arg, struct nw_table_node *node)
{
    entry_free(arg, entry_at(node));
}

void nw_routes_fini(struct nw_routes *routes)
{
    nw_table_each(&routes->by_name, free_member, routes);
    nw_table_fini(&routes->by_name);
}
