/* See carry.h. */
#include "worker/wire/carry.h"
#include "common/base/atomic.h"
#include "worker/base/lock.h"
#include "worker/base/span.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/blocked.h"
#include "worker/executor/thread.h"
#include "worker/range/pages.h"
#include <errno.h>

static bool is_dying(const struct nw_slot *slot)
{
    return nw_load_acquire(&slot->domain->state) == NW_DOMAIN_DYING; /* set by nw_domain_kill */
}

static uint64_t piece_of(uint64_t left)
{
    return left < NW_CARRY_BRIEF ? left : NW_CARRY_BRIEF;
}

static int carry_unlocked(const struct nw_slot *slot, char *to, struct nw_source from)
{
    int error = 0;

    for (uint64_t done = 0, n; !error && done < from.length; done += n) {
        n = piece_of(from.length - done);
        error = is_dying(slot) ? -ECANCELED : nw_source_read(to + done, (struct nw_source){from.at + done, n});
    }
    return error;
}

int nw_carry(const struct nw_slot *slot, void *to, struct nw_source from)
{
    struct nw_executor *ex;
    int error;

    if (from.length <= NW_CARRY_LOCKED)
        return nw_source_read(to, from);
    ex = from.length > NW_CARRY_BRIEF ? nw_executor_running(slot) : NULL;
    pthread_mutex_unlock(&nw_monitor_lock);
    if (ex && nw_executor_block(ex) < 0)
        ex = NULL;
    error = carry_unlocked(slot, to, from);
    if (ex)
        nw_executor_unblock(ex);
    pthread_mutex_lock(&nw_monitor_lock);
    return is_dying(slot) ? -ECANCELED : error;
}
