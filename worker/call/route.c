/* See route.h. */
#include "worker/call/route.h"
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

void nw__route_set(struct nw_deployed *function)
{
    int i = find(function->name);

    if (i < 0 && nw__routes.n < NW_DEPLOYED_MAX) {
        i = (int)nw__routes.n;
        memcpy(nw__routes.route[i].name, function->name, sizeof(function->name));
        nw_store_release(&nw__routes.n, nw__routes.n + 1); /* loaded by nw_route_count */
    }
    if (i >= 0)
        nw_store_release(&nw__routes.route[i].function, function); /* loaded by nw_route_function */
}

void nw__routes_clear(const struct nw_deployed *function)
{
    for (uint32_t i = 0; i < nw__routes.n; i++)
        if (nw__routes.route[i].function == function)
            nw_store_release(&nw__routes.route[i].function, NULL); /* loaded by nw_route_function */
}
