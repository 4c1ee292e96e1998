/* At a start: functions, and versions of them that have requests beside the current ones, as the registry has them. */
#include "common/base/log.h"
#include "engine/operations/branches.h"
#include "engine/operations/operations.h"
#include "engine/serve/function.h"
#include "engine/store/registry.h"
#include "engine/versions/deployments.h"
#include <stdlib.h>
#include <string.h>

static struct nw_deployment *load_version(struct nw_operations *all, struct nw_function *function,
                                          const struct nw_registry_row *row)
{
    struct nw_deployment *deployment =
        function ? nw_deployment_new(all->deployments, function, row->manifest, row->sha256, row->release, true) : NULL;
    if (!deployment)
        nw_die_system("cannot load the registered functions: out of memory");
    return deployment;
}

static void load_row(void *arg, const struct nw_registry_row *row)
{
    struct nw_operations *all = arg;
    struct nw_function *function = nw_function_get(all->engine, row->manifest->name);
    load_version(all, function, row);
    if (!row->routes)
        return;
    function->routes = strdup(row->routes);
    if (!function->routes || nw_buffer_append(&all->routed, &function, sizeof function) < 0)
        nw_die_system("cannot load the registered functions: out of memory");
}

/* A version that has requests beside the current one. */
static void load_branch(void *arg, const struct nw_registry_row *row)
{
    struct nw_function *function = arg;
    char name[NW_NAME_MAX + 1];
    if (!nw__branch_name(function, row->release->number, name) || !nw__branch_is_wanted(function, row->release->number))
        return;
    struct nw_operations *all = nw_deployment_of(function->current)->all->events_arg;
    load_version(all, nw_function_get(all->engine, name), row)->unnamed = true;
}

/* Routes that cannot be read are as if there were none. */
static void load_branches(struct nw_operations *all, struct nw_function *function)
{
    char *routes = function->routes;
    nw_registry_versions(all->registry, function->name, load_branch, function);
    function->routes = NULL;
    nw__branches_apply(all, function, routes);
}

void nw_operations_load_registry(struct nw_operations *all, struct nw_registry *registry)
{
    all->registry = all->unused.registry = all->deployments->registry = registry;
    nw_registry_each(registry, load_row, all);
    struct nw_function **functions = (struct nw_function **)all->routed.data;
    for (size_t i = 0; i < all->routed.length / sizeof *functions; i++)
        load_branches(all, functions[i]);
    nw_buffer_fini(&all->routed);
}
