/* See names.h. */
#include "engine/names/names.h"
#include "common/base/log.h"
#include "engine/control/deployments.h"
#include "engine/control/seat.h"
#include "engine/control/worker.h"
#include "engine/io/io.h"
#include "engine/names/lookup.h"
#include "engine/serve/engine.h"
#include <stdlib.h>
#include <string.h>

#define EACH        32    /* addresses of one name */
#define AGAIN_MS    30000 /* names are looked up so often */
#define PATIENCE_MS 5000  /* a deployment waits so long for them */

struct found {
    struct nw_address_grant grants[EACH];
    unsigned n;
    const char *why; /* the last time that it was not found */
};

struct nw_names {
    struct nw_deployment *deployment;
    struct nw_engine *engine;
    struct nw_name_grant names[NW_ADDRESSES_MAX];
    unsigned n;
    struct found known[NW_ADDRESSES_MAX + 1]; /* the last: name servers */
    struct found fresh[NW_ADDRESSES_MAX + 1]; /* the other thread's */
    bool looking, ready;
    uint64_t since, again;
};

/* Static, those of names, those of name servers. */
struct reach {
    struct nw_address_grant grants[NW_ADDRESSES_MAX + (NW_ADDRESSES_MAX + 1) * EACH];
    unsigned n;
};

_Static_assert(sizeof((struct reach){0}.grants) <= NW_CONTROL_TEXT_MAX, "it is one message");

static bool has_names(const struct nw_deployment *deployment)
{
    struct nw_name_grant names[NW_ADDRESSES_MAX];
    return nw_grant_names(deployment->manifest.connect, names) > 0;
}

/* --- on another thread --- */

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct nw_address_grant));
}

static void look(void *arg)
{
    struct nw_names *names = arg;
    for (unsigned i = 0; i < names->n; i++) {
        struct found *fresh = &names->fresh[i];
        int n = nw_lookup_name(&names->names[i], fresh->grants, EACH, &fresh->why);
        if (n >= 0)
            fresh->why = NULL;
        fresh->n = n > 0 ? (unsigned)n : 0;
        /* A name server may turn them round each time. */
        qsort(fresh->grants, fresh->n, sizeof *fresh->grants, compare);
    }
    names->fresh[names->n].n = nw_lookup_servers(names->fresh[names->n].grants, EACH);
}

/* --- on the loop's --- */

static void reach_of(const struct nw_names *names, struct reach *reach)
{
    char why[256];
    int n = nw_grant_addresses(names->deployment->manifest.connect, reach->grants, why, sizeof why);
    reach->n = n > 0 ? (unsigned)n : 0;
    for (unsigned i = 0; i <= names->n; i++) {
        memcpy(reach->grants + reach->n, names->known[i].grants, names->known[i].n * sizeof *reach->grants);
        reach->n += names->known[i].n;
    }
}

void nw_names_tell(const struct nw_replica *replica)
{
    const struct nw_names *names = replica->deployment->names;
    struct reach reach;
    if (!names)
        return;
    reach_of(names, &reach);
    nw_worker_tell(replica->seat->worker,
                   &(struct nw_control){.kind = NW_CONTROL_REACH, .deployment = replica->deployment->version.number},
                   (const char *)reach.grants, reach.n * sizeof *reach.grants, NULL, 0);
}

static void tell_all(struct nw_deployment *deployment)
{
    nw_list_each(&deployment->replicas, at, after)
    {
        const struct nw_replica *replica = nw_container(at, struct nw_replica, of_deployment);
        if (replica->state == NW_REPLICA_LOADING || replica->state == NW_REPLICA_LOADED ||
            replica->state == NW_REPLICA_SERVING)
            nw_names_tell(replica);
    }
}

/* Whether anything changed. What was not found stays as it was. */
static bool take_over(struct nw_names *names)
{
    bool changed = false;
    for (unsigned i = 0; i <= names->n; i++) {
        struct found *known = &names->known[i], *fresh = &names->fresh[i];
        if (fresh->why && !known->why)
            nw_log(NW_LOG_WARN, "function \"%s\": connect: cannot look up \"%s\": %s; tried again every %d s",
                   names->deployment->manifest.name, names->names[i].name, fresh->why, AGAIN_MS / 1000);
        known->why = fresh->why;
        if (fresh->why ||
            (known->n == fresh->n && memcmp(known->grants, fresh->grants, fresh->n * sizeof *fresh->grants) == 0))
            continue;
        *known = *fresh;
        changed = true;
    }
    return changed;
}

static void be_ready(struct nw_names *names)
{
    if (names->ready)
        return;
    names->ready = true;
    nw_deployment_names_known(names->deployment);
}

static void looked(void *arg)
{
    struct nw_names *names = arg;
    if (names->engine->ended)
        return;
    names->engine->lookups--;
    names->looking = false;
    names->again = nw_io_now(names->engine->io) + AGAIN_MS;
    if (take_over(names) && names->ready)
        tell_all(names->deployment);
    if (names->deployment->state == NW_DEPLOYMENT_RETIRING)
        names->engine->reap = true;
    else
        be_ready(names);
    nw_names_tick(names->engine);
}

/* One at a time: each keeps a thread that reads code, too, for as long as name servers let it. */
static void begin(struct nw_names *names)
{
    if (names->looking || names->engine->lookups || nw_io_now(names->engine->io) < names->again)
        return;
    if (nw_io_offload(names->engine->io, look, looked, names) < 0)
        return;
    names->looking = true;
    names->engine->lookups++;
}

static struct nw_names *names_new(struct nw_deployment *deployment)
{
    struct nw_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    names->deployment = deployment;
    names->engine = deployment->engine;
    names->since = nw_io_now(deployment->engine->io);
    names->n = (unsigned)nw_grant_names(deployment->manifest.connect, names->names);
    return names;
}

bool nw_names_ready(struct nw_deployment *deployment)
{
    if (!has_names(deployment))
        return true;
    if (!deployment->names)
        deployment->names = names_new(deployment);
    if (!deployment->names)
        return false;
    begin(deployment->names);
    return deployment->names->ready;
}

bool nw_names_busy(const struct nw_deployment *deployment)
{
    return deployment->names && deployment->names->looking;
}

void nw_names_tick(struct nw_engine *engine)
{
    uint64_t now = nw_io_now(engine->io);
    nw_list_each(&engine->deployments, at, after)
    {
        struct nw_deployment *deployment = nw_container(at, struct nw_deployment, link);
        struct nw_names *names = deployment->names;
        if (!names || deployment->state == NW_DEPLOYMENT_RETIRING)
            continue;
        begin(names);
        if (now - names->since >= PATIENCE_MS)
            be_ready(names);
    }
}

void nw_names_free(struct nw_deployment *deployment)
{
    free(deployment->names);
}
