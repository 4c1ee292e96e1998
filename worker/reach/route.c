/* See route.h. */
#include "worker/reach/route.h"
#include "common/base/log.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include <errno.h>
#include <string.h>

#define WORD 64

struct nw_routes nw__routes;
static uint64_t known[NW_DEPLOYED_MAX][NW_DOMAINS_MAX / WORD]; /* of each route, by which domains: a bit for each */

static int find(const char *name)
{
    for (uint32_t i = 0; i < nw__routes.n; i++)
        if (strcmp(nw__routes.route[i].name, name) == 0)
            return (int)i;
    return -ENOENT;
}

int nw_route_find(const char *name)
{
    int i = find(name);

    return i >= 0 && nw_route_function(nw_route_at((uint32_t)i)) ? i : -ENOENT;
}

int nw_route_tell(const struct nw_domain *domain, const char *name)
{
    int i = nw_route_find(name);

    if (i >= 0)
        known[i][domain->index / WORD] |= 1ull << domain->index % WORD;
    return i;
}

void nw_routes_forget(const struct nw_domain *domain)
{
    for (uint32_t i = 0; i < nw__routes.n; i++)
        known[i][domain->index / WORD] &= ~(1ull << domain->index % WORD);
}

/* A bit for each route that a function may call which may call some only. */
struct allowed {
    uint64_t routes[NW_DEPLOYED_MAX / WORD];
};

static struct allowed allowed_to_any(void)
{
    struct allowed allowed = {{0}};

    for (const struct nw_deployed *f = nw_deployed_after(NULL); f; f = nw_deployed_after(f))
        for (uint32_t word = 0; f->callees.names && word < NW_DEPLOYED_MAX / WORD; word++)
            allowed.routes[word] |= f->callees.routes[word];
    return allowed;
}

/* Whether its name means nothing, and nobody would take the route for one of that name: no domain that remembers its
 * index, and no function for being allowed to call it. */
static bool is_unused(uint32_t i, const struct allowed *allowed)
{
    uint64_t any = allowed->routes[i / WORD] & 1ull << i % WORD;

    for (uint32_t word = 0; word < NW_DOMAINS_MAX / WORD; word++)
        any |= known[i][word];
    return !any && !nw_route_function(nw_route_at(i));
}

/* A route that another name had, or one more. */
static int take(void)
{
    const struct allowed allowed = allowed_to_any();

    for (uint32_t i = 0; i < nw__routes.n; i++)
        if (is_unused(i, &allowed))
            return (int)i;
    return nw__routes.n < NW_DEPLOYED_MAX ? (int)nw__routes.n : -ENOSPC;
}

/* Calls of a name that has none are made by way of the engine, as if the function were elsewhere. */
static int add(const struct nw_deployed *function)
{
    static bool said;
    const int i = take();

    if (i >= 0) {
        memcpy(nw__routes.route[i].name, function->name, sizeof(function->name));
        if ((uint32_t)i == nw__routes.n)
            nw_store_release(&nw__routes.n, (uint32_t)i + 1); /* loaded by nw_route_count */
    } else if (!said) {
        nw_log(
            NW_LOG_WARN,
            "function %s: calls of it go by way of the engine: functions of %d names are in this worker, or were and "
            "have been called by some that still are",
            function->name, NW_DEPLOYED_MAX);
        said = true;
    }
    return i;
}

void nw_route_set(struct nw_deployed *function)
{
    int i = find(function->name);

    if (i < 0)
        i = add(function);
    if (i >= 0)
        nw_store_release(&nw__routes.route[i].function, function); /* loaded by nw_route_function */
}

void nw_routes_clear(const struct nw_deployed *function)
{
    for (uint32_t i = 0; i < nw__routes.n; i++)
        if (nw__routes.route[i].function == function)
            nw_store_release(&nw__routes.route[i].function, NULL); /* loaded by nw_route_function */
}
