/* The type of a tenant; see tenants.h. */
#ifndef NW_ENGINE_WORKERS_TENANT_H
#define NW_ENGINE_WORKERS_TENANT_H

#include "common/manifest/manifest.h"
#include "engine/base/list.h"
#include "engine/logs/logs.h"
#include <stdint.h>

struct nw_workers;

struct nw_tenant {
    struct nw_list link; /* in all->tenants */
    struct nw_workers *all;
    char name[NW_NAME_MAX + 1];
    uint32_t profile; /* enum nw_profile, that of each of its functions */
    struct nw_list seats;
    unsigned deployments;    /* references: deployments, and the engine's own to the default tenant */
    uint64_t refusal_logged; /* when a refused call by its functions was last logged; 0: never */
    struct nw_log_share lines;
};

#endif
