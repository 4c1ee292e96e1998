/* Tenants as tenants.h tells. There are few, so a list does. */
#include "engine/control/tenants.h"
#include "common/base/log.h"
#include "engine/control/deployment.h"
#include "engine/control/workers.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSAL_LOG_MS 10000 /* between two lines about one tenant's refused calls */

static struct nw_tenant *find(struct nw_engine *engine, const char *name, uint32_t profile)
{
    nw_list_each(&engine->tenants, at, after)
    {
        struct nw_tenant *tenant = nw_container(at, struct nw_tenant, link);
        if (!strcmp(tenant->name, name) && tenant->profile == profile)
            return tenant;
    }
    return NULL;
}

static void dissolve(struct nw_tenant *tenant)
{
    nw_list_each(&tenant->seats, at, after) nw_seat_free(nw_container(at, struct nw_seat, of_tenant));
    nw_list_remove(&tenant->link);
    free(tenant);
}

/* In mode process each deployment brings its own seats. */
static bool add_seats(struct nw_tenant *tenant)
{
    const struct nw_options *options = &tenant->engine->options;
    for (uint64_t i = 0; i < options->workers && options->mode != NW_MODE_PROCESS; i++)
        if (!nw_seat_new(tenant, NULL))
            return false;
    return true;
}

static struct nw_tenant *make(struct nw_engine *engine, const char *name, uint32_t profile)
{
    struct nw_tenant *tenant = calloc(1, sizeof *tenant);
    if (!tenant)
        return NULL;
    tenant->engine = engine;
    tenant->profile = profile;
    snprintf(tenant->name, sizeof tenant->name, "%s", name);
    nw_list_init(&tenant->seats);
    nw_list_append(&engine->tenants, &tenant->link);
    if (add_seats(tenant))
        return tenant;
    dissolve(tenant);
    return NULL;
}

struct nw_tenant *nw_tenant_acquire(struct nw_engine *engine, const char *name, uint32_t profile)
{
    struct nw_tenant *tenant = find(engine, name, profile);
    if (!tenant)
        tenant = make(engine, name, profile);
    if (tenant)
        tenant->deployments++;
    return tenant;
}

void nw_tenant_release(struct nw_tenant *tenant)
{
    if (!--tenant->deployments)
        dissolve(tenant);
}

bool nw_tenant_may_call(struct nw_tenant *tenant, const struct nw_function *function)
{
    struct nw_engine *engine = tenant->engine;
    uint64_t now = nw_io_now(engine->io);
    if (!function || !function->current ||
        nw_manifest_may_call(&nw_deployment_of(function->current)->manifest, tenant->name))
        return true;
    engine->counters.calls_refused++;
    if (tenant->refusal_logged && now - tenant->refusal_logged < REFUSAL_LOG_MS)
        return false;
    tenant->refusal_logged = now;
    nw_log(NW_LOG_WARN, "tenant \"%s\" may not call \"%s\" of tenant \"%s\"; deploy that with --callers to allow it",
           tenant->name, function->name, nw_deployment_of(function->current)->manifest.tenant);
    return false;
}
