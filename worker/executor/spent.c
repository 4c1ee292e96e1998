/* See spent.h. */
#include "worker/executor/spent.h"
#include "worker/account/ticks.h"
#include "worker/domain/attended.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"
#include <stddef.h>

void nw_spent_charge(struct nw_deployed *function, uint64_t ran, uint64_t now)
{
    struct nw_limit *limit = &function->limit;

    if (!limit->percent || !nw_limit_charge(limit, ran, now))
        return;
    if (function->domain) { /* any other is about to end */
        nw_unready_all(function->domain);
        nw_attend(function->domain);
    }
    nw__ready_postponed(limit, now);
}

uint64_t nw_spent_run(uint64_t now)
{
    const uint64_t ticks = nw_ticks();
    uint64_t next = UINT64_MAX, at;

    for (struct nw_domain *d = nw_attended_after(NULL); d; d = nw_attended_after(d)) {
        struct nw_limit *limit = d->function ? &d->function->limit : NULL;

        if (!limit || !limit->percent || !nw_domain_lives(d))
            continue;
        if (!limit->spent || nw_limit_over(limit, ticks)) {
            nw_ready_again(d);
            continue;
        }
        at = now + nw_ticks_to_ns(nw_limit_until(limit) - ticks);
        next = at < next ? at : next;
    }
    return next;
}
