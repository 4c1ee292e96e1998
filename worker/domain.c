/*
 * Domain records: address range, hardware key, files. A record is used again but never freed, so that an executor
 * with an old pointer finds a lock and a state rather than garbage. load.c fills a domain; teardown.c ends it, burial.c
 * gives back what it had.
 */
#include "common/atomic.h"
#include "worker/files.h"
#include "worker/memory.h"
#include "worker/pages.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NW_KEY_PARKED   2 /* nobody may access it: the pages of evicted domains */
#define AREAS_SIZE      (64ul << 10)
#define REGIONS_UNBOUND (1ul << 17) /* where tests leave the limit out; the kernel allows a process fewer */

static struct nw_domain *record_take(void)
{
    size_t i = 0;

    while (i < NW_DOMAINS_MAX && nw_m.domains[i] && nw_m.domains[i]->state != NW_DOMAIN_NONE)
        i++;
    if (i == NW_DOMAINS_MAX)
        return NULL;
    if (!nw_m.domains[i]) {
        nw_m.domains[i] = calloc(1, sizeof(struct nw_domain));
        if (nw_m.domains[i])
            nw_m.domains[i]->index = (uint32_t)i;
        if (nw_m.domains[i]) {
            pthread_mutex_init(&nw_m.domains[i]->memory_lock, NULL);
            pthread_mutex_init(&nw_m.domains[i]->code.building, NULL);
        }
    }
    return nw_m.domains[i];
}

static int range_reserve(struct nw_domain *domain)
{
    size_t most = nw_without(NW_DEFENCE_SHARES) ? REGIONS_UNBOUND : NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS;
    bool whole;
    int error = nw_pages_reserve(NW_DOMAIN_RANGE, AREAS_SIZE, &domain->base, &whole);

    if (error)
        return error;
    domain->areas = domain->base;
    domain->end = domain->base + NW_DOMAIN_RANGE;
    error = nw_regions_init(&domain->regions, domain->base + AREAS_SIZE, domain->end, most, whole);
    if (!error)
        error = nw_pages_protect(domain, domain->areas, AREAS_SIZE, PROT_READ | PROT_WRITE);
    return error ? error : nw_share_take(domain, NW_RESOURCE_MAPPINGS, NW_MONITOR_MAPPINGS + domain->regions.count);
}

static void record_reset(struct nw_domain *domain, struct nw_function *function)
{
    domain->function = function;
    domain->key = 0;
    domain->base = 0;
    domain->n_slots = domain->n_workers = domain->n_made = domain->n_free = 0;
    domain->free = domain->sleepers = NULL;
    domain->reason[0] = '\0';
    domain->loaded = domain->grown_out = domain->closing = false;
    domain->n_serving = 0;
    domain->held_bytes = domain->arena_bytes = 0;
    domain->serial++;
    domain->where.n = 0;
    domain->code.bytes = 0;
    domain->ready = NULL;
    domain->grower = NULL;
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        domain->fds[i] = (struct nw_domain_fd){.fd = -1};
}

/* Its share of everything, of which its code, its granted directories and what is open while it is loaded are part. */
static int shares_take(struct nw_domain *domain, char why[NW_REASON_MAX])
{
    int error = nw_share_open(domain, why, NW_REASON_MAX);

    return error ? error : nw_share_take(domain, NW_RESOURCE_DESCRIPTORS, 3 + domain->function->n_directories);
}

struct nw_domain *nw_domain_new(struct nw_function *function, int *error, char why[NW_REASON_MAX])
{
    struct nw_domain *domain = record_take();

    *error = domain ? 0 : -ENOMEM;
    snprintf(why, NW_REASON_MAX, "%s",
             domain ? "" : "this worker has as many domains as it can have; remove a function");
    if (!domain)
        return NULL;
    record_reset(domain, function);
    *error = shares_take(domain, why);
    if (!*error && nw_m.keyed)
        *error = nw_domain_bind(domain);
    domain->xsave = *error ? NULL : aligned_alloc(64, NW_DOMAIN_SLOTS * nw_m.xsave_size);
    if (!*error)
        *error = domain->xsave ? range_reserve(domain) : -ENOMEM;
    if (*error) {
        if (!why[0])
            snprintf(why, NW_REASON_MAX, "%s", strerror(-*error));
        nw_domain_destroy(domain);
        return NULL;
    }
    domain->started_at = nw_now();
    domain->state = NW_DOMAIN_STARTING;
    return domain;
}

/* The nested call takes no lock but the domain's: once it sees a key, it must find the rights that go with it. */
static void key_give(struct nw_domain *domain, int key)
{
    for (size_t i = 0; i < NW_DOMAIN_SLOTS; i++)
        domain->slots[i].gate.pkru = nw_gate_rights(key);
    nw_store_release(&domain->key, key); /* loaded by nw_free_pop, under its lock */
}

static int retag(struct nw_domain *domain, int key)
{
    int error = 0;

    if (!domain->base)
        return 0;
    if (pkey_mprotect((void *)domain->areas, AREAS_SIZE, PROT_READ | PROT_WRITE, key) < 0)
        return -errno;
    pthread_mutex_lock(&domain->memory_lock);
    for (size_t i = 0; i < domain->regions.count && !error; i++) {
        const struct nw_region *r = &domain->regions.regions[i];

        if (r->prot && pkey_mprotect((void *)r->start, r->end - r->start, r->prot, key) < 0)
            error = -errno;
    }
    pthread_mutex_unlock(&domain->memory_lock);
    return error;
}

/* Nothing of it runs, is about to run, or is known to an executor. The monitor reaches into it whatever its key: inputs
 * and outputs of those that wait for others are copied without it. */
static bool is_idle(const struct nw_domain *domain)
{
    if (domain->state != NW_DOMAIN_LIVE)
        return false;
    for (size_t i = 0; i < NW_DOMAIN_SLOTS; i++)
        switch (domain->slots[i].state) {
        case NW_SLOT_UNUSED:
        case NW_SLOT_FREE:
        case NW_SLOT_PARKED:
        case NW_SLOT_FUTEX:
        case NW_SLOT_SLEEP:
        case NW_SLOT_BLOCK:
        case NW_SLOT_QUEUED:
        case NW_SLOT_REMOTE:
        case NW_SLOT_ARENA:
            break;
        default:
            return false;
        }
    return true;
}

/* Takes the key of a domain that is idle. The nested call looks at the key under the same lock as at the free list. */
static bool key_take(struct nw_domain *domain)
{
    bool idle;

    nw_free_lock(domain);
    idle = is_idle(domain);
    if (idle)
        domain->key = 0;
    nw_free_unlock(domain);
    return idle;
}

/* The least recently used idle domain gives up its key. Its pages are parked before the key is granted again. */
static int evict(void)
{
    struct nw_domain *oldest = NULL;
    int key;

    for (size_t i = 0; i < NW_DOMAINS_MAX && nw_m.domains[i]; i++) {
        struct nw_domain *d = nw_m.domains[i];

        if (d->key && is_idle(d) && (!oldest || d->last_used < oldest->last_used))
            oldest = d;
    }
    if (!oldest)
        return -EBUSY;
    key = oldest->key;
    if (!key_take(oldest))
        return -EBUSY;
    if (!nw_without(NW_DEFENCE_REKEY) && retag(oldest, NW_KEY_PARKED) < 0) {
        nw_domain_kill(oldest, NW_STATUS_CRASHED, "its memory could not be parked");
        return -EBUSY;
    }
    nw_m.keys_free |= (uint16_t)(1u << key);
    return 0;
}

int nw_domain_bind(struct nw_domain *domain)
{
    int key, error;

    if (domain->key)
        return 0;
    if (!nw_m.keys_free) {
        error = evict();
        if (error)
            return error;
    }
    key = __builtin_ctz(nw_m.keys_free);
    error = retag(domain, key);
    if (error) { /* some of its pages may be in this key: nobody else gets it before they are gone */
        domain->key = key;
        nw_m.keys_free &= (uint16_t) ~(1u << key);
        nw_domain_kill(domain, NW_STATUS_CRASHED, "its memory could not be given a key");
        return error;
    }
    nw_m.keys_free &= (uint16_t) ~(1u << key);
    domain->last_used = ++nw_m.use_count;
    key_give(domain, key);
    return 0;
}
