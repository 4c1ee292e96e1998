/*
 * Tenants: which workers are whose. A worker serves one tenant for all its life, and functions of one profile, so that
 * the process is confined as tightly as they are: for each profile that a tenant uses there is a struct nw_tenant. Not
 * responsible for what is loaded into its workers (versions/) or for when they are started again (seats.c).
 */
#ifndef NW_ENGINE_WORKERS_TENANTS_H
#define NW_ENGINE_WORKERS_TENANTS_H

#include <stdint.h>

struct nw_tenant;
struct nw_workers;

/*
 * Finds or makes the tenant of this name and profile, for one more deployment, which releases it when it ends. A new
 * one gets its workers. NULL when memory is out.
 */
struct nw_tenant *nw_tenant_acquire(struct nw_workers *all, const char *name, uint32_t profile);

/* One deployment less. With the last one the tenant goes, and its workers; only those of the default tenant that only
 * compute stay, since the engine holds that. */
void nw_tenant_release(struct nw_tenant *tenant);

#endif
