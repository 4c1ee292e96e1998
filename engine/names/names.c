/* See names.h. */
#include "engine/names/names.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "engine/io/io.h"
#include "engine/names/lookup.h"
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS    30000 /* names are looked up so often */
#define PATIENCE_MS 5000  /* somebody waits so long for them */

struct found {
    struct nw_address_grant grants[NW_NAMES_EACH];
    unsigned n;
    const char *why; /* the last time that it was not found */
};

struct nw_names {
    struct nw_list link; /* in resolver->lists */
    struct nw_resolver *resolver;
    const char *function, *connect;
    void *arg;
    struct nw_name_grant names[NW_ADDRESSES_MAX];
    unsigned n;
    struct found known[NW_ADDRESSES_MAX + 1]; /* the last: name servers */
    struct found fresh[NW_ADDRESSES_MAX + 1]; /* the other thread's */
    bool looking, ready, stopped;
    uint64_t since, again;
};

_Static_assert(sizeof((struct nw_reach){0}.grants) <= NW_CONTROL_TEXT_MAX, "it is one message");

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
        int n = nw__lookup_name(&names->names[i], fresh->grants, NW_NAMES_EACH, &fresh->why);
        if (n >= 0)
            fresh->why = NULL;
        fresh->n = n > 0 ? (unsigned)n : 0;
        /* Sorted, since a name server may give the same addresses in another order each time. */
        qsort(fresh->grants, fresh->n, sizeof *fresh->grants, compare);
    }
    names->fresh[names->n].n = nw__lookup_servers(names->fresh[names->n].grants, NW_NAMES_EACH);
}

/* --- on the thread of the loop --- */

void nw_names_reach(const struct nw_names *names, struct nw_reach *reach)
{
    char why[256];
    int n = nw_grant_addresses(names->connect, reach->grants, why, sizeof why);
    reach->n = n > 0 ? (unsigned)n : 0;
    for (unsigned i = 0; i <= names->n; i++) {
        memcpy(reach->grants + reach->n, names->known[i].grants, names->known[i].n * sizeof *reach->grants);
        reach->n += names->known[i].n;
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
                   names->function, names->names[i].name, fresh->why, AGAIN_MS / 1000);
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
    names->resolver->events->known(names->arg);
}

static void looked(void *arg)
{
    struct nw_names *names = arg;
    struct nw_resolver *resolver = names->resolver;
    if (resolver->ended)
        return;
    resolver->looking = false;
    names->looking = false;
    names->again = nw_io_now(resolver->io) + AGAIN_MS;
    if (take_over(names) && names->ready)
        resolver->events->changed(names->arg);
    if (names->stopped)
        resolver->events->idle(names->arg);
    else
        be_ready(names);
    nw_resolver_tick(resolver);
}

/* One list at a time: a look-up takes as long as name servers let it, on a thread that code is read on, too. */
static void begin(struct nw_names *names)
{
    struct nw_resolver *resolver = names->resolver;
    if (resolver->looking || nw_io_now(resolver->io) < names->again)
        return;
    if (nw_io_offload(resolver->io, look, looked, names) < 0)
        return;
    names->looking = resolver->looking = true;
}

void nw_resolver_init(struct nw_resolver *resolver, struct nw_io *io, const struct nw_names_events *events)
{
    *resolver = (struct nw_resolver){.io = io, .events = events};
    nw_list_init(&resolver->lists);
}

void nw_resolver_tick(struct nw_resolver *resolver)
{
    uint64_t now = nw_io_now(resolver->io);
    nw_list_each(&resolver->lists, at, after)
    {
        struct nw_names *names = nw_container(at, struct nw_names, link);
        begin(names);
        if (now - names->since >= PATIENCE_MS)
            be_ready(names);
    }
}

struct nw_names *nw_names_new(struct nw_resolver *resolver, const char *function, const char *connect, void *arg)
{
    struct nw_names *names = calloc(1, sizeof *names);
    if (!names)
        return NULL;
    names->resolver = resolver;
    names->function = function;
    names->connect = connect;
    names->arg = arg;
    names->since = nw_io_now(resolver->io);
    names->n = (unsigned)nw_grant_names(connect, names->names);
    nw_list_append(&resolver->lists, &names->link);
    return names;
}

bool nw_names_has(const char *connect)
{
    struct nw_name_grant names[NW_ADDRESSES_MAX];
    return nw_grant_names(connect, names) > 0;
}

bool nw_names_ready(struct nw_names *names)
{
    begin(names);
    return names->ready;
}

void nw_names_stop(struct nw_names *names)
{
    names->stopped = true;
    nw_list_remove(&names->link);
}

bool nw_names_busy(const struct nw_names *names)
{
    return names->looking;
}

void nw_names_free(struct nw_names *names)
{
    if (names)
        nw_list_remove(&names->link);
    free(names);
}
