/*
 * What becomes of a domain when the last of its slots is gone. To give back gigabytes takes long, and to close files
 * may take longer, so a thread of its own does it, piece by piece and without the monitor's lock. Until it has, nobody
 * else gets the domain's key, its shares or its record, and its function gets no new domain while much of the memory is
 * left (call/deployed.c).
 */
#include "worker/life/burial.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/lock.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/executor/wake.h"
#include "worker/files/files.h"
#include "worker/memory/memory.h"
#include "worker/reach/route.h"
#include <pthread.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>

static struct nw_domain *first, **last = &first; /* lock held */
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;

static void give_back(struct nw_domain *d)
{
    nw_memory_give_back(&d->memory);
    nw_fd_close_all(&d->files);
    madvise(d->xsave, nw_domain_xsave_size(), MADV_DONTNEED);
}

/* Lock held. */
static void forget(struct nw_domain *d)
{
    nw_key_forget(d);
    nw_routes_forget(d);
    nw_share_close(&d->account);
    if (nw_keys_first_wanting())
        nw_wake_executor(); /* an idle one gives its key to another domain */
    nw_domain_move(d, NW_DOMAIN_FORGET);
}

void nw__domain_destroy(struct nw_domain *d)
{
    give_back(d);
    forget(d);
}

void nw_domain_bury(struct nw_domain *d)
{
    if (nw_without(NW_DEFENCE_PIECES)) {
        nw__domain_destroy(d);
        nw_wake_control();
        return;
    }
    nw_domain_move(d, NW_DOMAIN_BURY);
    d->next_buried = NULL;
    *last = d;
    last = &d->next_buried;
    pthread_cond_signal(&came);
}

static struct nw_domain *take(void)
{
    struct nw_domain *d;

    while (!first)
        pthread_cond_wait(&came, &nw_monitor_lock);
    d = first;
    first = d->next_buried;
    if (!first)
        last = &first;
    return d;
}

static noreturn void *bury_all(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&nw_monitor_lock);
    for (;;) {
        struct nw_domain *d = take();

        pthread_mutex_unlock(&nw_monitor_lock);
        give_back(d);
        pthread_mutex_lock(&nw_monitor_lock);
        forget(d);
        nw_wake_control(); /* its function may now get a new domain, or end */
    }
}

int nw_burial_init(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, bury_all, NULL);
}
