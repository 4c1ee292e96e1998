/* See snapshot.h. */
#include "worker/snapshot/snapshot.h"
#include "common/base/atomic.h"
#include "worker/account/share.h"
#include "worker/base/config.h"
#include "worker/base/ops.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/files/files.h"
#include "worker/lines/lines.h"
#include "worker/snapshot/machine.h"
#include "worker/snapshot/picture.h"
#include "worker/snapshot/read.h"
#include "worker/snapshot/write.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct nw_snapshot {
    struct nw_snapshot *next; /* in the list of snapshots that are to be freed */
    struct nw_picture *picture;
    struct nw_signal_action actions[NW_SIGNALS];
    struct nw_file_flow flows[NW_SNAPSHOT_FLOWS];
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
    for (size_t i = 0; i < NW_SNAPSHOT_FLOWS; i++)
        if (!waits(&domain->slots[i], i == 0))
            return true;
    return domain->n_slots != NW_SNAPSHOT_FLOWS || domain->n_ending > 0;
}

const char *nw__snapshot_hindrance(const struct nw_domain *domain)
{
    if (domain->memory.base != domain->function->range)
        return "in this worker something else lies at its addresses";
    if (domain->n_slots == 1)
        return "it has no func worker";
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

static struct nw_snapshot *open_file(struct nw_domain *domain, int fd, const struct nw_tables *tables,
                                     char why[NW_REASON_MAX])
{
    struct nw_snapshot *snapshot = calloc(1, sizeof(*snapshot));

    if (!snapshot) {
        close(fd);
        snprintf(why, NW_REASON_MAX, "memory is out");
        return NULL;
    }
    memcpy(snapshot->actions, tables->tail.actions, sizeof(snapshot->actions));
    memcpy(snapshot->flows, tables->tail.flows, sizeof(snapshot->flows));
    snapshot->picture = nw__picture_open(domain, fd, tables, why);
    if (snapshot->picture)
        return snapshot;
    free(snapshot);
    return NULL;
}

struct nw_snapshot *nw_snapshot_open(struct nw_domain *domain, int fd, char why[NW_REASON_MAX])
{
    struct nw_snapshot *snapshot;
    struct nw_tables tables;
    const char *reason;

    if (nw__tables_read(fd, domain->memory.base, nw__machine(), &tables, &reason) < 0) {
        snprintf(why, NW_REASON_MAX, "%s", reason);
        close(fd);
        return NULL;
    }
    snapshot = open_file(domain, fd, &tables, why);
    nw__tables_free(&tables);
    return snapshot;
}

struct nw_snapshot *nw__snapshot_take(struct nw_domain *domain, char why[NW_REASON_MAX])
{
    const char *reason;
    struct nw_snapshot *snapshot;
    int fd = nw__write(domain, &reason);

    if (fd < 0) {
        snprintf(why, NW_REASON_MAX, "%s", reason);
        return NULL;
    }
    snapshot = nw_snapshot_open(domain, fd, why);
    if (snapshot)
        nw_memory_copied(&domain->memory, nw__picture_size(snapshot->picture));
    return snapshot;
}

int nw_snapshot_file(const struct nw_snapshot *snapshot)
{
    return fcntl(nw__picture_file(snapshot->picture), F_DUPFD_CLOEXEC, 0);
}

void nw__snapshot_link(struct nw_snapshot *snapshot, struct nw_snapshot *next)
{
    snapshot->next = next;
}

void nw__snapshots_free(struct nw_snapshot *list)
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

static void set_flow(struct nw_slot *slot, const struct nw_file_flow *flow)
{
    slot->gate.kind = NW_CTX_KIND_CALL;
    slot->gate.rsp = flow->rsp;
    slot->gate.fs = flow->fs;
    slot->gate.mxcsr = flow->mxcsr;
    slot->gate.fcw = flow->fcw;
    slot->gate.result = slot->gate.result2 = 0;
    slot->tid = flow->tid;
    slot->clear_tid = flow->clear_tid;
    slot->inbox = (struct nw_sink){flow->inbox, flow->inbox_size};
    slot->signals = (struct nw_slot_signals){
        .mask = flow->mask, .stack = flow->stack, .stack_size = flow->stack_size, .stack_flags = flow->stack_flags};
}

/* ---- making it what it was ---- */

bool nw_snapshot_renews(const struct nw_domain *domain)
{
    return domain->restores && domain->n_slots == NW_SNAPSHOT_FLOWS && domain->n_ending == 0 &&
           waits(&domain->slots[0], true) && !has_signals(domain);
}

static void close_files(struct nw_files *files)
{
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        if (files->fds[i].fd >= 0)
            nw_fd_close(files, i);
}

int nw_snapshot_renew(struct nw_domain *domain, const struct nw_snapshot *snapshot, struct nw_renewal *renewal)
{
    const int left = nw__picture_renew(&domain->memory, snapshot->picture, renewal);

    if (left)
        return left;
    close_files(&domain->files);
    if (strcmp(domain->cwd, domain->function->cwd) != 0)
        memcpy(domain->cwd, domain->function->cwd, PATH_MAX);
    return 0;
}

void nw_snapshot_rewind(struct nw_domain *domain, const struct nw_snapshot *snapshot)
{
    memcpy(domain->signals.actions, snapshot->actions, sizeof(snapshot->actions));
    for (size_t i = 0; i < NW_SNAPSHOT_FLOWS; i++) {
        struct nw_slot *slot = &domain->slots[i];

        nw_lines_end(&domain->lines, slot);
        set_flow(slot, &snapshot->flows[i]);
        nw_slot_state_reset(slot);              /* what a signal handler would be shown */
        nw_store_relaxed(&slot->signalled, 0u); /* loaded by executors, of which none has the slot */
    }
}

int nw_snapshot_resume(struct nw_domain *domain, const struct nw_snapshot *snapshot)
{
    struct nw_slot *worker;

    set_flow(&domain->slots[0], &snapshot->flows[0]);
    domain->slots[0].gate.result = (uint64_t)nw_config()->gate->enter;
    domain->slots[0].gate.result2 = NW_RESTORED;
    memcpy(domain->signals.actions, snapshot->actions, sizeof(snapshot->actions));
    if (nw_share_take(&domain->account, NW_RESOURCE_THREADS, 1) < 0)
        return -EAGAIN;
    worker = nw_slot_new(domain);
    if (worker != &domain->slots[1])
        return -EINVAL;
    set_flow(worker, &snapshot->flows[1]);
    worker->worker = true;
    domain->n_workers++;
    nw_free_push(worker, NULL);
    return 0;
}
