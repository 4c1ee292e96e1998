/* See make.h. */
#include "worker/life/make.h"
#include "common/base/atomic.h"
#include "common/host/error_text.h"
#include "common/manifest/control.h"
#include "worker/base/config.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/domain/called.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/files/files.h"
#include "worker/life/burial.h"
#include "worker/memory/memory.h"
#include "worker/range/pages.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define REGIONS_UNBOUND (1ul << 17) /* for tests without the limit: more mappings than the kernel allows a process */

_Static_assert(NW_DOMAIN_RANGE <= NW_PLACE_SIZE / 2, "a range does not fit its place");

static int range_reserve(struct nw_domain *domain)
{
    size_t most = nw_without(NW_DEFENCE_SHARES) ? REGIONS_UNBOUND : NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS;
    const uint64_t wanted = domain->function->range;
    int error = nw_memory_reserve(&domain->memory, wanted, most);

    if (error == -EEXIST)
        error = nw_memory_reserve(&domain->memory, 0, most);
    domain->restores = !error && (domain->function->snapshot || domain->function->file >= 0) &&
                       domain->memory.base == wanted &&
                       nw_regions_is_own(&domain->memory.regions, wanted + NW_PAGE_SIZE, NW_PAGE_SIZE);
    domain->areas = nw_memory_areas(domain->memory.end);
    return error;
}

/* All that others may read under the lock while the record is MAKING, as they have old pointers or read all records. */
static void record_reset(struct nw_domain *domain, struct nw_deployed *function)
{
    nw_domain_move(domain, NW_DOMAIN_TAKE);
    domain->function = function;
    nw_called_reset(domain);
    domain->calls_some = function->callees.names != NULL;
    domain->account.name = function->name;
    domain->account.disk_used = &function->disk.used;
    domain->lines.account = &domain->account;
    domain->lines.deployment = function->deployment;
    domain->key = 0;
    nw_memory_reset(&domain->memory, &domain->account, &function->disk, function->memory, function->so);
    domain->n_slots = domain->n_workers = domain->n_made = domain->n_free = 0;
    domain->free = domain->sleepers = NULL;
    domain->reason[0] = '\0';
    domain->violated = false;
    domain->loaded = domain->closing = false;
    domain->make_failed_at = 0;
    domain->n_serving = 0;
    domain->arena_bytes = 0;
    domain->serial++;
    domain->demand = (struct nw_demand){0};
    domain->workers_told = 0;
    domain->memory_told = domain->memory_peak_told = 0;
    memset(domain->ready, 0, sizeof(domain->ready));
    domain->slots_end = domain->n_key_waiters = 0;
    domain->wants_key = domain->key_lost = false;
    domain->memory.tag = nw_config()->keyed ? NW_KEY_PARKED : -1;
    domain->grower = NULL;
    domain->signals = (struct nw_signals){0};
    domain->snapshot_wanted = domain->restores = false;
}

/* What nobody reads meanwhile, and takes longer. */
static void files_reset(struct nw_domain *domain)
{
    memcpy(domain->cwd, domain->function->cwd, PATH_MAX);
    nw_files_open(&domain->files, &domain->account, &domain->function->disk);
}

/* Its share of everything. Descriptors that the worker keeps for it count: three, and its granted directories. */
static int shares_take(struct nw_domain *domain, char why[NW_REASON_MAX])
{
    int error = nw_share_open(&domain->account, domain->function->memory, why, NW_REASON_MAX);

    return error ? error
                 : nw_share_take(&domain->account, NW_RESOURCE_DESCRIPTORS, 3 + domain->function->n_directories);
}

/* All that takes long. Lock not held: nobody else touches a record that is MAKING. */
static int prepare(struct nw_domain *domain, char why[NW_REASON_MAX])
{
    int error;

    files_reset(domain);
    error = shares_take(domain, why);
    if (!error)
        error = range_reserve(domain);
    if (!error && nw_deployed_wants_snapshot(domain->function) && !domain->restores)
        error = nw_memory_keep(&domain->memory);
    return error;
}

struct nw_domain *nw_domain_new(struct nw_deployed *function, int *error, char why[NW_REASON_MAX])
{
    struct nw_domain *domain = nw_domain_take();

    *error = domain ? 0 : -errno;
    why[0] = '\0';
    if (*error == -ENOSPC)
        snprintf(why, NW_REASON_MAX, "this worker has as many domains as it can have, %d; remove a function",
                 NW_DOMAINS_MAX);
    else if (*error)
        nw_error_text(-*error, why);
    if (*error)
        return NULL;
    record_reset(domain, function);
    pthread_mutex_unlock(&nw_monitor_lock);
    *error = prepare(domain, why);
    pthread_mutex_lock(&nw_monitor_lock);
    if (*error) {
        if (!why[0])
            nw_error_text(-*error, why);
        nw__domain_destroy(domain);
        return NULL;
    }
    domain->started_at = nw_now();
    nw_domain_move(domain, NW_DOMAIN_START);
    return domain;
}
