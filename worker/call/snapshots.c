/* See snapshots.h. */
#include "worker/call/snapshots.h"
#include "common/base/atomic.h"
#include "common/manifest/control.h"
#include "worker/base/config.h"
#include "worker/base/ops.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/stale.h"
#include "worker/executor/wake.h"
#include "worker/snapshot/snapshot.h"
#include "worker/wire/report.h"
#include <stdio.h>
#include <unistd.h>

#define EARLY_MOST 3            /* domains made from a snapshot that are lost before they served: then it is no good */
#define PLACE_NS   200000000ull /* how long a snapshot is worth waiting for its place */

/* Where it would name another vDSO than this worker's it is left alone: it is not the file's fault, so the engine is
 * not told that it is of no use. */
int nw__snapshot_sent(const struct nw_control_message *message)
{
    const int file = message->head.restores ? message->fds[message->n_fds - 1] : -1;

    if (file < 0 || nw_config()->same_vdso)
        return file;
    close(file);
    return -1;
}

/* What is said of it to the engine, which hands it to other workers. */
static void tell(const struct nw_deployed *f, int file, const char *why)
{
    if (nw_config()->same_vdso && !f->fresh)
        nw_tell_snapshot(f->deployment, file, why);
    else if (file >= 0)
        close(file);
}

void nw_deployed_opened(struct nw_deployed *f, struct nw_snapshot *snapshot, const char *why)
{
    f->file = -1;
    f->snapshot = snapshot;
    f->given = snapshot;
    f->snapshots = !snapshot;
    if (!snapshot)
        nw_tell_snapshot(f->deployment, -1, why);
}

/* ---- taking one ---- */

bool nw__snapshot_is_due(const struct nw_domain *domain)
{
    const struct nw_deployed *f = domain->function;

    return f->snapshots && !domain->restores && (!f->snapshot || f->fresh);
}

/* No invocation may run in the domain that the snapshot was taken of: it cannot be made what it was. An executor finds
 * that out and ends it (run/renew.c), by its only func worker, which waits; or by its first flow, which does, too: a
 * function that speaks to the gate itself may have no func worker. */
static void replace_first(struct nw_domain *domain)
{
    struct nw_slot *waits = nw_free_drain(domain);

    domain->function->snapshots = true;
    nw_stale(waits ? waits : domain->grower);
    nw_wake_executor();
}

/* The first flow makes anew what is not to be cloned, and then says once more that the function is up. */
static void renew(struct nw_domain *domain)
{
    struct nw_slot *first = domain->grower;

    nw_store_relaxed(&domain->grower, NULL); /* loaded by may_read_libraries */
    domain->n_made--;
    first->gate.result = (uint64_t)nw_config()->gate->enter;
    first->gate.result2 = NW_RESTORED;
    nw_ready(first);
    nw_wake_executor();
}

static void taken(struct nw_domain *domain, struct nw_snapshot *snapshot, const char *why)
{
    struct nw_deployed *f = domain->function;

    nw_taker_drop(f->snapshot);
    f->snapshot = snapshot;
    f->lost_early = 0;
    snprintf(f->no_snapshot, NW_REASON_MAX, "%s", snapshot ? "" : why);
    f->snapshots = false; /* it is tried once */
    if (snapshot)
        tell(f, nw_snapshot_file(snapshot), "");
    if (f->fresh)
        replace_first(domain);
    else
        renew(domain);
}

const struct nw_snapshot_events nw_deployed_snapshots = {.taken = taken};

/* ---- giving it up ---- */

void nw_deployed_condemn(struct nw_deployed *f, const char *why)
{
    if (!f->snapshot)
        return;
    f->lost_early = EARLY_MOST;
    snprintf(f->no_snapshot, NW_REASON_MAX, "%s", why);
}

static bool has_served(const struct nw_domain *domain)
{
    for (size_t i = 0; i < domain->slots_end; i++)
        if (domain->slots[i].state != NW_SLOT_UNUSED &&
            nw_load_relaxed(&domain->slots[i].sequence) > 1) /* stored by the executor that has it */
            return true;
    return false;
}

/* A file may pass all checks and still make domains in which nothing can run. */
void nw__snapshot_doubt(struct nw_deployed *f, const struct nw_domain *domain)
{
    if (!domain->restores || !f->snapshot || f->lost_early >= EARLY_MOST)
        return;
    f->lost_early = has_served(domain) ? 0 : f->lost_early + 1;
    if (f->lost_early == EARLY_MOST)
        nw_deployed_condemn(f, "what was made from it crashed each time before it had answered");
}

void nw__snapshot_give_up(struct nw_deployed *f)
{
    if (!f->snapshot || f->lost_early < EARLY_MOST)
        return;
    nw_taker_drop(f->snapshot);
    f->snapshot = NULL;
    f->snapshots = f->fresh || f->given; /* this worker's own may be better */
    f->given = false;
    tell(f, -1, f->no_snapshot);
}

/* One of a fresh function waits as long as that takes. */
bool nw__snapshot_awaits_place(const struct nw_deployed *f, uint64_t now)
{
    if (!f->snapshot || (now - f->lost_at > PLACE_NS && !f->fresh))
        return false;
    for (const struct nw_domain *d = nw_domain_after(NULL); d; d = nw_domain_after(d))
        if (d->state != NW_DOMAIN_NONE && d->memory.base == f->range)
            return true;
    return false;
}
