/* See carry.h. */
#include "worker/wire/carry.h"
#include "worker/base/lock.h"
#include "worker/domain/domain.h"
#include "worker/executor/ready.h"
#include <errno.h>

int nw_carry(struct nw_slot *slot, const struct nw_freight *freight)
{
    int error;

    if (freight->left.length <= NW_CARRY_LOCKED)
        return nw_source_read(freight->to, freight->left);
    if (freight->left.length > NW_CARRY_BRIEF || slot->state != NW_SLOT_RUNNING) {
        slot->freight = *freight;
        nw_ready(slot);
        return -EINPROGRESS;
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    error = nw_source_read(freight->to, freight->left);
    pthread_mutex_lock(&nw_monitor_lock);
    return slot->domain->state == NW_DOMAIN_DYING ? -ECANCELED : error;
}
