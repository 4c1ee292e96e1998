/* See branches.h. */
#include "engine/operations/branches.h"
#include "common/base/log.h"
#include "engine/dispatch/dispatch.h"
#include "engine/operations/operations.h"
#include "engine/operations/traffic.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/store/release.h"
#include "engine/threads/thread.h"
#include "engine/versions/deployments.h"
#include "engine/versions/loads.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nw__branch_name(const struct nw_function *function, uint32_t version, char name[NW_NAME_MAX + 1])
{
    char text[NW_KEPT_NAME + 1];
    nw_release_kept_name(function->name, version, text);
    return snprintf(name, NW_NAME_MAX + 1, "%s", text) <= NW_NAME_MAX;
}

struct nw_function *nw__branch_find(const struct nw_function *function, uint32_t version)
{
    char name[NW_NAME_MAX + 1];
    struct nw_function *branch =
        nw__branch_name(function, version, name) ? nw_function_find(function->engine, name, strlen(name)) : NULL;
    return branch && branch->current ? branch : NULL;
}

/* --- routes --- */

static void tell(struct nw_operations *all, const char *name, struct nw_route *route)
{
    struct nw_told_route *told = all->engine->options.threads > 1 ? nw_told_route_new(name, route) : NULL;
    if (told)
        nw_list_append(&all->untold_routes, &told->link);
    else if (all->engine->options.threads > 1)
        nw_die_system("cannot tell the threads of the engine who gets requests: out of memory");
    nw_threads_changed(all->threads);
}

static void route_to(struct nw_operations *all, const char *name, const struct nw_route_share *shares, unsigned n)
{
    struct nw_engine *engine = all->engine;
    const struct nw_route *is = nw_routes_find(&engine->routes, name, strlen(name));
    if (is ? n && nw_route_is(is, shares, n) : !n)
        return;
    struct nw_route *route = n ? nw_route_new(shares, n) : NULL;
    if (n && !route)
        nw_die_system("cannot route requests: out of memory");
    tell(all, name, route);
    if (nw_routes_set(&engine->routes, name, route) < 0)
        nw_die_system("cannot route requests: out of memory");
}

/* How requests for it come: NAME, or NAME@ALIAS. False: that is too long. */
static bool public_name(const struct nw_function *function, const char *alias, char name[NW_NAME_MAX + 1])
{
    return snprintf(name, NW_NAME_MAX + 1, "%s%s%s", function->name, *alias ? "@" : "", alias) <= NW_NAME_MAX;
}

/* The function that has the requests for a version by a route. NULL: it is not there. */
static const struct nw_function *target(const struct nw_function *function, const struct nw_traffic_route *route,
                                        uint32_t version)
{
    const struct nw_deployment *current = nw_deployment_of(function->current);
    bool is_current = !*route->alias && current && current->release.number == version;
    return is_current ? function : nw__branch_find(function, version);
}

static void act(struct nw_operations *all, const struct nw_function *function, const struct nw_traffic_route *route)
{
    struct nw_route_share shares[NW_ROUTE_SHARES];
    char name[NW_NAME_MAX + 1];
    if (!public_name(function, route->alias, name))
        return;
    for (unsigned i = 0; i < route->n; i++) {
        const struct nw_function *to = target(function, route, route->shares[i].version);
        if (!to) {
            nw_log(NW_LOG_ERROR, "requests for \"%s\" cannot be dealt out: v%u is not kept any more", name,
                   route->shares[i].version);
            route_to(all, name, NULL, 0);
            return;
        }
        memcpy(shares[i].name, to->name, sizeof shares[i].name);
        shares[i].percent = route->shares[i].percent;
    }
    route_to(all, name, shares, route->n);
}

/* --- branches --- */

static bool uses(const struct nw_traffic *traffic, uint32_t current, uint32_t version)
{
    for (unsigned i = 0; i < traffic->n; i++)
        for (unsigned k = 0; k < traffic->routes[i].n; k++)
            if (traffic->routes[i].shares[k].version == version && (*traffic->routes[i].alias || version != current))
                return true;
    return false;
}

bool nw__branch_is_wanted(const struct nw_function *function, uint32_t version)
{
    const struct nw_deployment *current = nw_deployment_of(function->current);
    struct nw_traffic traffic;
    nw_traffic_parse(&traffic, function->routes);
    return uses(&traffic, current->release.number, version);
}

/* What waits for it goes to the current version of its function. */
static void end_branch(struct nw_function *branch)
{
    struct nw_deployment *deployment = nw_deployment_of(branch->current);
    nw_function_bequeath(branch);
    branch->current = NULL;
    nw_deployment_retire(deployment);
    nw_dispatch_retry_function(branch);
    nw_function_remove(branch);
}

static void end_unused(const struct nw_function *function, const struct nw_traffic *traffic)
{
    const struct nw_deployment *current = nw_deployment_of(function->current);
    const size_t length = strlen(function->name);
    char after[NW_NAME_MAX + 2];
    struct nw_function *branch;
    snprintf(after, sizeof after, "%s%c", function->name, NW_BRANCH_MARK);
    while ((branch = nw_function_behind(function->engine, after)) && !strncmp(branch->name, function->name, length) &&
           branch->name[length] == NW_BRANCH_MARK) {
        snprintf(after, sizeof after, "%s", branch->name);
        if (branch->current &&
            !uses(traffic, current ? current->release.number : 0, nw_release_kept_number(branch->name)))
            end_branch(branch);
    }
}

void nw__branches_apply(struct nw_operations *all, struct nw_function *function, char *routes)
{
    struct nw_deployment *current = nw_deployment_of(function->current);
    struct nw_traffic before, traffic;
    char name[NW_NAME_MAX + 1];
    char *old = function->routes;
    function->routes = routes;
    if (!old && !routes)
        return;
    nw_traffic_parse(&before, old);
    nw_traffic_parse(&traffic, routes);
    for (unsigned i = 0; i < before.n; i++)
        if (!nw_traffic_find(&traffic, before.routes[i].alias) && public_name(function, before.routes[i].alias, name))
            route_to(all, name, NULL, 0);
    for (unsigned i = 0; i < traffic.n; i++)
        act(all, function, &traffic.routes[i]);
    if (current)
        nw_deployment_name(current, !nw_traffic_find(&traffic, ""));
    end_unused(function, &traffic);
    free(old);
}
