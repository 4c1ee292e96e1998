/* Tenants as tenants.h tells. There are few, so a list does. */
#include "engine/workers/tenants.h"
#include "engine/serve/engine.h"
#include "engine/workers/seat.h"
#include "engine/workers/seats.h"
#include "engine/workers/tenant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nw_tenant *find(struct nw_workers *all, const char *name, uint32_t profile)
{
    nw_list_each(&all->tenants, at, after)
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
    const struct nw_options *options = &tenant->all->engine->options;
    for (uint64_t i = 0; i < options->workers && options->mode != NW_MODE_PROCESS; i++)
        if (!nw_seat_new(tenant, NULL))
            return false;
    return true;
}

static struct nw_tenant *make(struct nw_workers *all, const char *name, uint32_t profile)
{
    struct nw_tenant *tenant = calloc(1, sizeof *tenant);
    if (!tenant)
        return NULL;
    tenant->all = all;
    tenant->profile = profile;
    snprintf(tenant->name, sizeof tenant->name, "%s", name);
    nw_list_init(&tenant->seats);
    nw_list_append(&all->tenants, &tenant->link);
    if (add_seats(tenant))
        return tenant;
    dissolve(tenant);
    return NULL;
}

struct nw_tenant *nw_tenant_acquire(struct nw_workers *all, const char *name, uint32_t profile)
{
    struct nw_tenant *tenant = find(all, name, profile);
    if (!tenant)
        tenant = make(all, name, profile);
    if (tenant)
        tenant->deployments++;
    return tenant;
}

void nw_tenant_release(struct nw_tenant *tenant)
{
    if (!--tenant->deployments)
        dissolve(tenant);
}
