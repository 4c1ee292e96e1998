/* See taker.h. */
#include "worker/snapshot/taker.h"
#include "worker/base/lock.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/image/kept.h"
#include "worker/life/burial.h"
#include "worker/snapshot/snapshot.h"
#include "worker/snapshot/write.h"
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdnoreturn.h>

static const struct nw_snapshot_events *events;
static struct nw_domain *first, **last = &first; /* lock held */
static struct nw_snapshot *dropped;              /* to be freed; lock held */
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;

/* Counting one slot more than there is keeps the domain from being buried until the snapshot is taken. */
static void enqueue(struct nw_domain *domain)
{
    domain->n_slots++;
    domain->next_taken = NULL;
    *last = domain;
    last = &domain->next_taken;
    pthread_cond_signal(&came);
}

static struct nw_domain *dequeue(void)
{
    struct nw_domain *domain = first;

    first = domain->next_taken;
    if (!first)
        last = &first;
    return domain;
}

void nw_taker_await(struct nw_domain *domain)
{
    domain->snapshot_wanted = true;
    nw_taker_look(domain);
}

void nw_taker_look(struct nw_domain *domain)
{
    if (!domain->snapshot_wanted || (domain->n_slots > 1 && (domain->n_made != 1 || domain->n_free != 1)))
        return;
    domain->snapshot_wanted = false;
    domain->no_snapshot = nw__snapshot_hindrance(domain);
    enqueue(domain); /* in any case: what was kept for a snapshot is given back without the lock */
}

/* Without the lock. */
static struct nw_snapshot *take(struct nw_domain *domain, char why[NW_REASON_MAX])
{
    struct nw_snapshot *snapshot = NULL;

    if (domain->no_snapshot)
        snprintf(why, NW_REASON_MAX, "%s", domain->no_snapshot);
    else
        snapshot = nw__snapshot_take(domain, why);
    nw_kept_free(nw_memory_keep_no_more(&domain->memory));
    return snapshot;
}

/* Lock held, but not while it takes. */
static void take_first(void)
{
    struct nw_domain *domain = dequeue();
    struct nw_snapshot *snapshot;
    char why[NW_REASON_MAX] = "";

    pthread_mutex_unlock(&nw_monitor_lock);
    snapshot = take(domain, why);
    pthread_mutex_lock(&nw_monitor_lock);
    domain->n_slots--;
    if (domain->state != NW_DOMAIN_DYING) {
        events->taken(domain, snapshot, why);
        return;
    }
    nw_taker_drop(snapshot);
    if (domain->n_slots == 0)
        nw_domain_bury(domain);
}

void nw_taker_drop(struct nw_snapshot *snapshot)
{
    if (!snapshot)
        return;
    nw__snapshot_link(snapshot, dropped);
    dropped = snapshot;
    pthread_cond_signal(&came);
}

/* Lock held, but not while it frees. */
static void free_dropped(void)
{
    struct nw_snapshot *list = dropped;

    dropped = NULL;
    pthread_mutex_unlock(&nw_monitor_lock);
    nw__snapshots_free(list);
    pthread_mutex_lock(&nw_monitor_lock);
}

static noreturn void *take_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&nw_monitor_lock);
    for (;;) {
        while (!first && !dropped)
            pthread_cond_wait(&came, &nw_monitor_lock);
        if (dropped)
            free_dropped();
        if (first)
            take_first();
    }
}

int nw_taker_init(const struct nw_snapshot_events *given)
{
    pthread_t thread;
    int error = nw__write_init();

    events = given;
    return error ? error : -pthread_create(&thread, NULL, take_all, NULL);
}
