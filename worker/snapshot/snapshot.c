/* See snapshot.h. */
#include "worker/snapshot/snapshot.h"
#include "worker/account/share.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/snapshot/picture.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS 2 /* of a domain that was loaded: the first, and one func worker */

/* All that the monitor has to know to make a flow that waits at the gate. */
struct flow {
    uint64_t rsp, fs;
    uint32_t mxcsr, fcw;
    struct nw_gate_regs regs;
    uint32_t tid;
    uint64_t clear_tid;
    struct nw_sink inbox;
    struct nw_slot_signals signals;
};

struct nw_snapshot {
    struct nw_snapshot *next; /* in the list of snapshots that are to be freed */
    struct nw_picture *picture;
    struct nw_signal_action actions[NW_SIGNALS];
    size_t n; /* the first flow, then the func workers */
    struct flow flows[];
};

/* ---- which domains can be taken ---- */

/* What it has closed may still be on its way to the kernel, which makes no difference to its memory. */
static bool has_files(const struct nw_files *files)
{
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        if (files->fds[i].fd >= 0)
            return true;
    return false;
}

static bool has_signals(const struct nw_domain *domain)
{
    for (size_t i = 0; i < NW_SIGNAL_TIMERS; i++)
        if (domain->signals.timers[i].used || domain->signals.timers[i].at)
            return true;
    for (size_t i = 0; i < domain->slots_end; i++)
        if (domain->slots[i].signals.pending)
            return true;
    return domain->signals.pending != 0;
}

static bool waits(const struct nw_slot *slot, bool first)
{
    return slot->state == (first ? NW_SLOT_PARKED : NW_SLOT_FREE) && slot->gate.kind == NW_CTX_KIND_CALL &&
           slot->worker == !first;
}

static bool has_other_flows(const struct nw_domain *domain)
{
    for (size_t i = 0; i < FLOWS; i++)
        if (!waits(&domain->slots[i], i == 0))
            return true;
    return domain->n_slots != FLOWS || domain->n_ending > 0;
}

const char *nw_snapshot_hindrance(const struct nw_domain *domain)
{
    if (domain->memory.base != domain->function->range)
        return "in this worker something else lies at its addresses";
    if (has_other_flows(domain))
        return "it started threads while it was loaded";
    if (has_files((const struct nw_files *)&domain->files))
        return "it opened files while it was loaded";
    if (has_signals(domain))
        return "it set a timer while it was loaded, or a signal waits for it";
    if (strcmp(domain->cwd, domain->function->cwd) != 0)
        return "it changed its directory while it was loaded";
    return NULL;
}

/* ---- taking ---- */

static struct flow flow_of(const struct nw_slot *slot)
{
    return (struct flow){
        .rsp = slot->gate.rsp,
        .fs = slot->gate.fs,
        .mxcsr = slot->gate.mxcsr,
        .fcw = slot->gate.fcw,
        .regs = slot->gate.regs,
        .tid = slot->tid,
        .clear_tid = slot->clear_tid,
        .inbox = slot->inbox,
        .signals = slot->signals,
    };
}

struct nw_snapshot *nw_snapshot_take(struct nw_domain *domain, const char **why)
{
    const size_t n = FLOWS;
    struct nw_snapshot *snapshot = calloc(1, sizeof(*snapshot) + n * sizeof(snapshot->flows[0]));

    *why = "memory is out";
    if (!snapshot)
        return NULL;
    memcpy(snapshot->actions, domain->signals.actions, sizeof(snapshot->actions));
    snapshot->n = n;
    for (size_t i = 0; i < n; i++)
        snapshot->flows[i] = flow_of(&domain->slots[i]);
    snapshot->picture = nw__picture_take(&domain->memory, why);
    if (snapshot->picture)
        return snapshot;
    free(snapshot);
    return NULL;
}

void nw_snapshot_link(struct nw_snapshot *snapshot, struct nw_snapshot *next)
{
    snapshot->next = next;
}

void nw_snapshots_free(struct nw_snapshot *list)
{
    while (list) {
        struct nw_snapshot *snapshot = list;

        list = snapshot->next;
        nw__picture_free(snapshot->picture);
        free(snapshot);
    }
}

/* ---- making ---- */

int nw_snapshot_put(struct nw_domain *domain, const struct nw_snapshot *snapshot)
{
    return nw__picture_put(&domain->memory, snapshot->picture);
}

static void set_flow(struct nw_slot *slot, const struct flow *flow)
{
    slot->gate.kind = NW_CTX_KIND_CALL;
    slot->gate.rsp = flow->rsp;
    slot->gate.fs = flow->fs;
    slot->gate.mxcsr = flow->mxcsr;
    slot->gate.fcw = flow->fcw;
    slot->gate.regs = flow->regs;
    slot->gate.result = slot->gate.result2 = 0;
    slot->tid = flow->tid;
    slot->clear_tid = flow->clear_tid;
    slot->inbox = flow->inbox;
    slot->signals = flow->signals;
}

int nw_snapshot_resume(struct nw_domain *domain, const struct nw_snapshot *snapshot)
{
    set_flow(&domain->slots[0], &snapshot->flows[0]);
    memcpy(domain->signals.actions, snapshot->actions, sizeof(snapshot->actions));
    if (nw_share_take(&domain->account, NW_RESOURCE_THREADS, snapshot->n - 1) < 0)
        return -EAGAIN;
    for (size_t i = 1; i < snapshot->n; i++) {
        struct nw_slot *slot = nw_slot_new(domain);

        if (slot != &domain->slots[i])
            return -EINVAL;
        set_flow(slot, &snapshot->flows[i]);
        slot->worker = true;
        domain->n_workers++;
        nw_free_push(slot, NULL);
    }
    return 0;
}
