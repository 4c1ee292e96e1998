/* See route.h. */
#include "worker/reach/route.h"
#include "common/base/log.h"
#include "worker/domain/deployed.h"
#include <errno.h>
#include <string.h>

struct nw_routes nw__routes;

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

/* Calls of a name that has none are made by way of the engine, as if the function were elsewhere. */
static int add(const struct nw_deployed *function)
{
    static bool said;
    const uint32_t i = nw__routes.n;

    if (i < NW_DEPLOYED_MAX) {
        memcpy(nw__routes.route[i].name, function->name, sizeof(function->name));
        nw_store_release(&nw__routes.n, i + 1); /* loaded by nw_route_count */
        return (int)i;
    }
    if (!said)
        nw_log(NW_LOG_WARN,
               "function %s: calls of it go by way of the engine: this worker has had functions of %d names",
               function->name, NW_DEPLOYED_MAX);
    said = true;
    return -ENOSPC;
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
