/*
 * Tenants: which workers are whose. A worker serves one tenant for all its life, and functions of one profile, so that
 * the process is confined as tightly as they are: for each profile that a tenant uses there is a struct nw_tenant. Not
 * responsible for what is loaded
 * into its workers (deployments.c) or for when they are started again (workers.c).
 */
#ifndef NW_ENGINE_CONTROL_TENANTS_H
#define NW_ENGINE_CONTROL_TENANTS_H

#include "common/manifest/manifest.h"
#include "engine/base/list.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_engine;
struct nw_function;

struct nw_tenant {
    struct nw_list link; /* in engine->tenants */
    struct nw_engine *engine;
    char name[NW_NAME_MAX + 1];
    uint32_t profile; /* enum nw_profile, that of each of its functions */
    struct nw_list seats;
    unsigned deployments;    /* that hold it */
    uint64_t refusal_logged; /* when; 0: never */
};

/*
 * The tenant of this name and profile for one more deployment; its workers are started if it is the first. To be
 * released when the deployment ends. NULL when memory is out.
 */
struct nw_tenant *nw_tenant_acquire(struct nw_engine *engine, const char *name, uint32_t profile);

/* One deployment less. With the last one the workers go; those of the default tenant that only compute stay, ready for
 * the next. */
void nw_tenant_release(struct nw_tenant *tenant);

/* Whether functions of this tenant may call `function`, which may be NULL. A refusal is counted, and logged now and
 * then. */
bool nw_tenant_may_call(struct nw_tenant *tenant, const struct nw_function *function);

#endif
