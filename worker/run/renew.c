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
        nw_domain_kill(domain, NW_STATUS_OK, "it cannot be made what it was");
    if (domain->state == NW_DOMAIN_DYING) {
        nw_slot_die(slot);
    } else {
        nw_snapshot_rewind(domain, domain->function->snapshot);
        nw_renewed(slot);
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return false;
}
