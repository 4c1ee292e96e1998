/*
 * Func workers beyond a function's slots. Nested calls need them: its slots may all be held by callers that wait for
 * one another. They are made from the memory of the callee, which keeps a quarter of it for itself, and are ended again
 * when its slots have been enough for a while.
 */
#include "worker/call/extra.h"
#include "common/base/atomic.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/ops.h"
#include "worker/domain/deployed.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"

#define IDLE_NS 1000000000ull

static bool has_memory(const struct nw_domain *domain)
{
    uint64_t charged = nw_load_relaxed(&domain->memory.regions.charged); /* a hint: changed under its lock */

    return charged + NW_WORKER_MEMORY <= domain->function->memory / 4 * 3 || nw_without(NW_DEFENCE_SHARES);
}

bool nw__extra_possible(const struct nw_domain *domain)
{
    return !domain->grown_out && has_memory(domain) &&
           nw_share_used(&domain->account, NW_RESOURCE_FUNC_WORKERS) < domain->account.limit[NW_RESOURCE_FUNC_WORKERS];
}

void nw__extra_make(struct nw_domain *domain)
{
    struct nw_slot *grower = domain->grower;

    if (!grower || domain->n_made > domain->n_workers || !nw__extra_possible(domain) ||
        nw_share_take(&domain->account, NW_RESOURCE_FUNC_WORKERS, 1) < 0)
        return;
    domain->grower = NULL;
    grower->gate.result2 = 0;
    nw_ready(grower);
}

/* From now on it is a thread like any other, which is about to end. */
static void dismiss(struct nw_domain *domain, struct nw_slot *slot)
{
    slot->worker = false;
    domain->n_workers--;
    domain->n_made -= domain->n_made > 0; /* one that the domain made by itself was never counted */
    domain->grown_out = false;
    nw_share_give(&domain->account, NW_RESOURCE_FUNC_WORKERS, 1);
    slot->gate.result = 0;
    slot->gate.result2 = NW_NO_MORE;
    nw_ready(slot);
}

void nw_extra_end_idle(struct nw_domain *domain, uint64_t now)
{
    uint32_t slots = domain->function->slots;
    struct nw_slot *slot;

    if (domain->n_workers <= slots || domain->n_workers - domain->n_free > slots || domain->closing) {
        domain->extra_used_at = now;
        return;
    }
    if (now - domain->extra_used_at < IDLE_NS)
        return;
    while (domain->n_workers > slots && (slot = nw_free_pop(domain, NULL)))
        dismiss(domain, slot);
    if (domain->n_workers > slots)
        nw_key_want(domain, false); /* they end when it has one */
    nw_wake_executor();
}
