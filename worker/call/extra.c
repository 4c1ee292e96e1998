/*
 * Func workers beyond the first, which a domain starts with. When an invocation waits and none is free, one more is
 * made if that is of use (account/demand.h), up to one for each slot; those that the demand does not need are ended
 * after a while. Nested calls need still more: a function's slots may all be held by callers that wait for one another.
 * Those are made from the memory of the callee, which keeps a quarter of it for itself.
 */
#include "worker/call/extra.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/account/log_share.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/base/now.h"
#include "worker/base/ops.h"
#include "worker/domain/deployed.h"
#include "worker/domain/executor.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/executor/ready.h"
#include "worker/executor/thread.h"
#include "worker/executor/wake.h"

#define IDLE_NS  1000000000ull
#define RETRY_NS 1000000000ull

static bool has_memory(const struct nw_domain *domain)
{
    uint64_t charged = nw_load_relaxed(&domain->memory.regions.charged); /* a hint: changed under its lock */

    return charged + NW_WORKER_MEMORY <= domain->function->memory / 4 * 3 || nw_without(NW_DEFENCE_SHARES);
}

static bool is_below_slots(const struct nw_domain *domain)
{
    return domain->n_made < domain->function->slots;
}

/* One that could not be made is tried again after a while: what it wanted may be there by then. */
bool nw__extra_possible(const struct nw_domain *domain)
{
    if (domain->function->fresh) /* none of its memory can be made what it was while another flow uses it */
        return false;
    if (domain->make_failed_at && nw_now() - domain->make_failed_at < RETRY_NS)
        return false;
    return is_below_slots(domain) || (has_memory(domain) && nw_share_used(&domain->account, NW_RESOURCE_FUNC_WORKERS) <
                                                                domain->account.limit[NW_RESOURCE_FUNC_WORKERS]);
}

static bool is_runnable(const struct nw_slot *slot)
{
    return (slot->state == NW_SLOT_RUNNING || slot->state == NW_SLOT_READY) && slot->pace == NW_PACE_BRIEF;
}

/* Slots of a domain that run or could: a hint, since executors change states without the lock. Those whose executor is
 * blocked in a system call wait for something, and those that have run for long make way to what is brief. */
static uint32_t count_runnable(const struct nw_domain *domain)
{
    uint32_t n = 0;

    for (size_t i = 0; i < domain->slots_end; i++)
        n += is_runnable(&domain->slots[i]);
    for (struct nw_executor *ex = nw_executor_after(NULL); ex; ex = nw_executor_after(ex))
        n -= ex->blocked && nw_running(ex)->domain == domain && nw_running(ex)->state == NW_SLOT_RUNNING &&
             nw_running(ex)->pace == NW_PACE_BRIEF;
    return n;
}

void nw__extra_make(struct nw_domain *domain, bool nested)
{
    struct nw_slot *grower = domain->grower;
    bool beyond = !is_below_slots(domain);

    if (!nested && !nw_demand_grows(&domain->demand, count_runnable(domain), nw_executors_at_once()))
        return;
    if (!grower || (beyond && !nested) || domain->n_made > domain->n_workers || !nw__extra_possible(domain) ||
        (beyond && nw_share_take(&domain->account, NW_RESOURCE_FUNC_WORKERS, 1) < 0))
        return;
    nw_store_relaxed(&domain->grower, NULL); /* loaded by may_read_libraries */
    domain->makes_beyond = beyond;
    grower->gate.result2 = 0;
    nw_ready(grower);
}

bool nw_extra_fits(struct nw_domain *domain)
{
    const uint64_t missing = nw_deployed_stacks(domain->function);

    return missing == 0 || nw_memory_spares(&domain->memory, missing);
}

void nw_extra_made(struct nw_domain *domain, struct nw_slot *grower, bool failed)
{
    nw_store_relaxed(&domain->grower, grower); /* loaded by may_read_libraries */
    domain->make_failed_at = failed ? nw_now() : 0;
    domain->n_made += !failed;
    if (domain->state != NW_DOMAIN_LIVE || !failed)
        return;
    if (domain->makes_beyond)
        nw_share_give(&domain->account, NW_RESOURCE_FUNC_WORKERS, 1);
    else if (nw_may_log(&domain->account.log, domain->account.name))
        nw_log(NW_LOG_WARN, "function %s: func worker %u of %u cannot be made; calls wait for those that there are",
               domain->function->name, domain->n_made + 1, domain->function->slots);
}

bool nw_extra_awaited(const struct nw_domain *domain)
{
    return domain->make_failed_at && domain->function->queue;
}

bool nw_extra_retry_due(const struct nw_domain *domain, uint64_t now)
{
    return nw_extra_awaited(domain) && domain->grower && now - domain->make_failed_at >= RETRY_NS;
}

/* From now on it is a thread like any other, which is about to end. */
static void dismiss(struct nw_domain *domain, struct nw_slot *slot)
{
    if (domain->n_made > domain->function->slots)
        nw_share_give(&domain->account, NW_RESOURCE_FUNC_WORKERS, 1);
    slot->worker = false;
    domain->n_workers--;
    domain->n_made -= domain->n_made > 0; /* one that the domain made by itself was never counted */
    domain->make_failed_at = 0;
    slot->gate.result = 0;
    slot->gate.result2 = NW_NO_MORE;
    nw_ready(slot);
}

static uint32_t keeps(const struct nw_domain *domain)
{
    return nw_demand_keeps(&domain->demand, domain->function->slots);
}

static void end_idle(struct nw_domain *domain, uint64_t now)
{
    const uint32_t keep = keeps(domain);
    struct nw_slot *slot;

    if (domain->n_workers <= keep || domain->n_workers - domain->n_free > keep || domain->closing) {
        domain->extra_used_at = now;
        return;
    }
    if (now - domain->extra_used_at < IDLE_NS)
        return;
    while (domain->n_workers > keep && (slot = nw_free_pop(domain, NULL)))
        dismiss(domain, slot);
    if (domain->n_workers > keep)
        nw_key_want(domain, false); /* they end when it has one */
    nw_wake_executor();
}

void nw_extra_look(struct nw_domain *domain, uint64_t waiting, uint64_t now)
{
    nw_demand_sample(&domain->demand, domain->n_workers - domain->n_free, waiting, now);
    end_idle(domain, now);
}

bool nw_extra_idle(const struct nw_domain *domain)
{
    return domain->n_workers > 1 && !domain->function->fresh;
}
