/*
 * Who gets the requests of a function is changed:
 *
 *   queued ──> finding a version (thread) ──> loading it as a branch (workers) ──> committing (thread) ──> done
 *                        ^── the next one ──────────────┘
 *
 * A branch that cannot be loaded, or a failure of the disk, changes nothing: those that were loaded for it end.
 */
#include "common/base/log.h"
#include "engine/io/io.h"
#include "engine/operations/branches.h"
#include "engine/operations/operation.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/versions/deployments.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct nw_deployment *current_of(const struct nw__operation *op)
{
    return nw_deployment_of(op->function->current);
}

/* --- branches are loaded --- */

static void drop_branch(struct nw_deployment *deployment)
{
    struct nw_function *branch = deployment->function;
    nw_deployment_retire(deployment);
    if (!branch->current)
        nw_function_remove(branch);
}

void nw__share_undo(struct nw__operation *op)
{
    while (op->n_branches)
        drop_branch(op->branches[--op->n_branches]);
}

static void fail(struct nw__operation *op, enum nw_status status)
{
    nw__share_undo(op);
    nw__operation_end(op, status);
}

/* Code that was stored for a version that is loaded nowhere belongs to nobody. */
static void leave_code(const struct nw__operation *op)
{
    if (op->kind == NW__DEPLOYS)
        nw__unused_code(&op->all->unused, op->sha256);
}

static void fail_memory(struct nw__operation *op)
{
    snprintf(op->why, sizeof op->why, "out of memory");
    fail(op, NW_STATUS_INTERNAL);
}

/* Loads a version for requests beside the current one. */
static void load(struct nw__operation *op, const struct nw_manifest *manifest, const char *sha256,
                 const struct nw_release *release)
{
    char name[NW_NAME_MAX + 1];
    if (!nw__branch_name(op->function, release->number, name)) {
        snprintf(op->why, sizeof op->why, "its name and @v%u together are longer than %d characters", release->number,
                 NW_NAME_MAX);
        leave_code(op);
        fail(op, NW_STATUS_BAD_REQUEST);
        return;
    }
    op->loads = nw_function_get(op->all->engine, name);
    struct nw_deployment *deployment =
        op->loads ? nw_deployment_new(op->all->deployments, op->loads, manifest, sha256, release, false) : NULL;
    if (deployment) {
        deployment->unnamed = true;
        return;
    }
    if (op->loads && !op->loads->current)
        nw_function_remove(op->loads);
    leave_code(op);
    fail_memory(op);
}

static bool is_loaded(const struct nw__operation *op, uint32_t version)
{
    for (unsigned i = 0; i < op->n_branches; i++)
        if (op->branches[i]->release.number == version)
            return true;
    return nw__branch_find(op->function, version) != NULL;
}

/* The first version that is to have requests and is not loaded for that; 0: there is none. */
static uint32_t next_version(const struct nw__operation *op)
{
    for (unsigned i = 0; i < op->traffic.n; i++)
        for (unsigned k = 0; k < op->traffic.routes[i].n; k++) {
            uint32_t version = op->traffic.routes[i].shares[k].version;
            bool is_current = !*op->traffic.routes[i].alias && version == current_of(op)->release.number;
            if (!is_current && !is_loaded(op, version))
                return version;
        }
    return 0;
}

static bool has_share(const struct nw_traffic_route *route, uint32_t version)
{
    for (unsigned i = 0; i < route->n; i++)
        if (route->shares[i].version == version)
            return true;
    return false;
}

/* Only damage to the registry takes a version that routes name. Those that nobody asks for now end with it: they have
 * no requests any more, and no route could be changed as long as one of them is there. False: it is asked for. */
static bool end_without(struct nw__operation *op, uint32_t version)
{
    struct nw_traffic *traffic = &op->traffic;
    if (has_share(&op->route, version))
        return false;
    for (unsigned i = traffic->n; i-- > 0;) {
        if (!has_share(&traffic->routes[i], version))
            continue;
        nw_log(NW_LOG_WARN, "function \"%s\": %s%s ends, as v%u is not kept any more", op->function->name,
               *traffic->routes[i].alias ? "its alias " : "what dealt out its requests", traffic->routes[i].alias,
               version);
        traffic->routes[i] = traffic->routes[--traffic->n];
    }
    return true;
}

static void load_next(struct nw__operation *op);

static void found(struct nw__find *find)
{
    struct nw__operation *op = nw_container(find, struct nw__operation, find);
    if (op->all->engine->ended)
        return;
    if (find->rc == -ENOENT && end_without(op, find->number)) {
        load_next(op);
    } else if (find->rc == -ENOENT) {
        snprintf(op->why, sizeof op->why, "v%u is not kept; `nightward versions %s` shows those that are", find->number,
                 op->function->name);
        fail(op, NW_STATUS_BAD_REQUEST);
    } else if (find->rc < 0) {
        fail_memory(op);
    } else {
        load(op, &find->manifest, find->sha256, &find->release);
    }
}

static void load_next(struct nw__operation *op)
{
    op->find.number = next_version(op);
    op->find.done = found;
    if (!op->find.number || op->n_branches == NW_ROUTE_SHARES) {
        op->ready(op);
        return;
    }
    int rc = nw__find_begin(op->all->engine->io, op->all->registry, op->function->name, &op->find);
    if (rc == 0)
        return;
    nw__operation_no_thread(op, "read the registry", rc);
    fail(op, NW_STATUS_INTERNAL);
}

void nw__share_loaded(struct nw__operation *op, struct nw_deployment *deployment)
{
    op->branches[op->n_branches++] = deployment;
    load_next(op);
}

void nw__share_refused(struct nw__operation *op, struct nw_deployment *deployment, enum nw_status status)
{
    drop_branch(deployment);
    fail(op, status);
}

/* --- what is asked for --- */

static void set_traffic(struct nw__operation *op)
{
    nw_traffic_parse(&op->traffic, op->function->routes);
    if (nw__traffic_set(&op->traffic, &op->route) == 0)
        return;
    snprintf(op->why, sizeof op->why, "it has %d aliases, which is the most", NW_ALIASES_MOST);
    op->traffic.n = 0;
}

/* By its turn the function may have been removed, or another version may be current. */
void nw__share_start(struct nw__operation *op)
{
    const struct nw_deployment *current = current_of(op);
    bool names = !*op->route.alias;
    if (!current) {
        nw__operation_end(op, NW_STATUS_NOT_FOUND);
        return;
    }
    unsigned left = op->route.n ? nw_traffic_left(&op->route) : 0;
    if (left && !(names && nw_traffic_add(&op->route, current->release.number, left))) {
        snprintf(op->why, sizeof op->why, "the parts are %u%% together; they must be 100%%", NW_ROUTE_TURNS - left);
        nw__operation_end(op, NW_STATUS_BAD_REQUEST);
        return;
    }
    if (names && op->route.n == 1 && op->route.shares[0].version == current->release.number)
        op->route.n = 0; /* as without a route */
    set_traffic(op);
    if (*op->why)
        nw__operation_end(op, NW_STATUS_BAD_REQUEST);
    else
        load_next(op);
}

void nw__share_new(struct nw__operation *op)
{
    const struct nw_deployment *current = current_of(op);
    unsigned percent = op->route.shares[0].percent;
    op->route.n = 0;
    if (current && op->release.number != current->release.number) {
        nw_traffic_add(&op->route, op->release.number, percent);
        if (percent < NW_ROUTE_TURNS)
            nw_traffic_add(&op->route, current->release.number, NW_ROUTE_TURNS - percent);
        set_traffic(op);
        load(op, &op->manifest, op->sha256, &op->release);
        return;
    }
    snprintf(op->why, sizeof op->why,
             current ? "nothing changed: there is no new version to have a part of the requests"
                     : "it is not deployed yet, so there is no other version to have a part of the requests");
    leave_code(op);
    nw__operation_end(op, NW_STATUS_BAD_REQUEST);
}

/* --- the change --- */

bool nw__share_prepare(struct nw__operation *op)
{
    const struct nw_deployment *current = current_of(op);
    struct nw_registry_change *change = &op->change;
    const struct nw_traffic_route none = {.n = 0};
    if (!nw__share_is_partial(op)) {
        nw_traffic_parse(&op->traffic, op->function->routes);
        nw__traffic_set(&op->traffic, &none); /* a version that is current has all requests at first */
    }
    if (nw__traffic_print(&op->traffic, &op->routes) < 0)
        return false;
    change->routes = op->routes.data;
    if (!nw__share_is_partial(op))
        return true;
    if (op->kind == NW__DEPLOYS) {
        op->beside = (struct nw_registry_row){.manifest = &op->manifest, .sha256 = op->sha256, .release = &op->release};
        change->beside = &op->beside;
    }
    op->find.release = current->release;
    op->find.release.last = op->kind == NW__DEPLOYS ? op->release.last : current->release.last;
    change->manifest = &op->serving;
    change->sha256 = current->sha256;
    change->release = &op->find.release;
    return nw_kept_manifest_copy(&op->serving, &current->manifest) == 0;
}

void nw__share_committed(struct nw__operation *op)
{
    struct nw_deployment *current = nw_deployment_of(op->function->current);
    char *routes = op->routes.length > 1 ? strdup(op->routes.data) : NULL;
    for (unsigned i = 0; i < op->n_branches; i++)
        nw_deployment_committed(op->branches[i]);
    if (nw__share_is_partial(op)) {
        current->release.last = op->find.release.last;
        op->deployment = op->kind == NW__DEPLOYS ? op->branches[0] : current;
    }
    nw__branches_apply(op->all, op->function, routes);
}
