/* See renew.h. Without the monitor's lock, piece by piece; when there is much to do another executor gets the token. */
#include "worker/run/renew.h"
#include "worker/base/lock.h"
#include "worker/call/death.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/blocked.h"
#include "worker/snapshot/snapshot.h"
#include <errno.h>
#include <stdio.h>

/* If so it stays so: no other flow of it runs. */
static bool is_renewable(const struct nw_domain *domain)
{
    bool renewable;

    pthread_mutex_lock(&nw_monitor_lock);
    renewable = nw_snapshot_renews(domain);
    pthread_mutex_unlock(&nw_monitor_lock);
    return renewable;
}

static int take_back(struct nw_executor *ex, struct nw_domain *domain)
{
    struct nw_renewal renewal = {0};
    bool blocked = false;
    int left;

    while ((left = nw_snapshot_renew(domain, domain->function->snapshot, &renewal)) > 0)
        if (!blocked)
            blocked = nw_executor_block(ex) == 0;
    if (blocked)
        nw_executor_unblock(ex);
    return left;
}

static bool serves(const struct nw_domain *domain)
{
    for (size_t i = 0; i < domain->slots_end; i++)
        if (domain->slots[i].state != NW_SLOT_UNUSED && domain->slots[i].sequence & 1)
            return true;
    return false;
}

/* Another domain is made from the snapshot, if there is one. Any thread may say that it waits, as only its func worker
 * should, also while an invocation runs: that ends the invocation, like a crash. */
static void replace(struct nw_domain *domain)
{
    const struct nw_deployed *function = domain->function;
    char reason[NW_REASON_MAX];

    if (serves(domain)) {
        nw_domain_kill(domain, NW_STATUS_CRASHED, "another thread of it waited for an invocation while one ran");
        return;
    }
    snprintf(reason, sizeof(reason), "it cannot be fresh, since no snapshot can be taken: %.170s",
             function->no_snapshot);
    nw_domain_kill(domain, function->snapshot ? NW_STATUS_OK : NW_STATUS_REFUSED, reason);
}

bool nw__renew(struct nw_executor *ex, struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;
    int error;

    if (!slot->stale)
        return true;
    error = is_renewable(domain) ? take_back(ex, domain) : -EBUSY;
    pthread_mutex_lock(&nw_monitor_lock);
    slot->stale = false;
    if (error)
        replace(domain);
    if (domain->state == NW_DOMAIN_DYING) {
        nw_slot_die(slot);
    } else {
        nw_snapshot_rewind(domain, domain->function->snapshot);
        nw_renewed(slot);
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return false;
}
