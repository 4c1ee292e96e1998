/* See snapshots.h. */
#include "worker/call/snapshots.h"
#include "common/base/atomic.h"
#include "common/base/valid.h"
#include "common/manifest/control.h"
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/base/ops.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/stale.h"
#include "worker/executor/wake.h"
#include "worker/files/closing.h"
#include "worker/range/pages.h"
#include "worker/snapshot/snapshot.h"
#include "worker/wire/report.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define EARLY_MOST    3            /* domains that are lost early, one after the other: then it is no good */
#define PLACE_NS      200000000ull /* how long a snapshot is worth waiting for its place */
#define REST_NS       1000000000ull
#define DOUBLED_MOST  10
#define CRASHED_EARLY "what was made from it crashed each time before it had answered"

/*
 *          OPENED         SPOIL                DROP
 *   SENT ─────────> GIVEN ─────> SPOILT_GIVEN ─────┐
 *     │ USELESS                                    v   TAKEN       SPOIL
 *     └─────────────────────────────────────────> WANTED ────> OWN ────> SPOILT_OWN
 *                                          NOT_TAKEN │ ^                    │ DROP
 *                                             NONE <─┘ └─AGAIN── RESTING <──┘
 *
 * One that came is replaced by the worker's own. When its own is no good, the function may be to blame, or the hour: so
 * domains are loaded until one of them has served, for a second at least, and twice as long each time. A fresh function
 * cannot do without: TAKEN leads from OWN and SPOILT_OWN to OWN, too, as a domain that lies elsewhere needs another,
 * and PUT_OFF from these and from WANTED to WANTED, when none was to be had.
 */
enum event {
    OPENED,
    USELESS, /* the one that came cannot be opened */
    TAKEN,
    NOT_TAKEN,
    PUT_OFF,
    SPOIL,
    DROP, /* no domain of the function is left */
    AGAIN,
    EVENTS
};

#define TO(state) (NW_SNAPSHOT_##state + 1) /* so that 0, of entries that are not listed, means: not allowed */
static const uint8_t next_state[NW_SNAPSHOT_STATES][EVENTS] = {
    [NW_SNAPSHOT_WANTED] = {[TAKEN] = TO(OWN), [NOT_TAKEN] = TO(NONE), [PUT_OFF] = TO(WANTED)},
    [NW_SNAPSHOT_SENT] = {[OPENED] = TO(GIVEN), [USELESS] = TO(WANTED)},
    [NW_SNAPSHOT_GIVEN] = {[SPOIL] = TO(SPOILT_GIVEN)},
    [NW_SNAPSHOT_OWN] = {[TAKEN] = TO(OWN), [PUT_OFF] = TO(WANTED), [SPOIL] = TO(SPOILT_OWN)},
    [NW_SNAPSHOT_SPOILT_GIVEN] = {[DROP] = TO(WANTED)},
    [NW_SNAPSHOT_SPOILT_OWN] = {[TAKEN] = TO(OWN), [PUT_OFF] = TO(WANTED), [DROP] = TO(RESTING)},
    [NW_SNAPSHOT_RESTING] = {[AGAIN] = TO(WANTED)},
};
#undef TO

static bool is_spoilt(const struct nw_deployed *f)
{
    return f->snapshot_state == NW_SNAPSHOT_SPOILT_GIVEN || f->snapshot_state == NW_SNAPSHOT_SPOILT_OWN;
}

static bool lifecycle_is_valid(const struct nw_deployed *f)
{
    const bool has = f->snapshot_state == NW_SNAPSHOT_GIVEN || f->snapshot_state == NW_SNAPSHOT_OWN || is_spoilt(f);

    return has == (f->snapshot != NULL) && (f->snapshot_state == NW_SNAPSHOT_SENT) == (f->file >= 0);
}

/* The function has `snapshot` from now on, or none. */
static void move(struct nw_deployed *f, enum event event, struct nw_snapshot *snapshot)
{
    const uint8_t next = next_state[f->snapshot_state][event];

    nw_check_that(next);
    if (f->snapshot != snapshot)
        nw_taker_drop(f->snapshot);
    f->snapshot = snapshot;
    if (next)
        f->snapshot_state = (enum nw_snapshot_state)(next - 1);
    nw_check_that(lifecycle_is_valid(f));
}

/* ---- what the engine hears, which hands it to other workers ---- */

/* Where it would name another vDSO than this worker's that is not the file's fault. */
static bool may_tell(const struct nw_deployed *f)
{
    return nw_config()->same_vdso && !f->fresh;
}

static void hand(struct nw_deployed *f)
{
    const int file = may_tell(f) && f->awaited && !f->handed ? nw_snapshot_file(f->snapshot) : -1;

    if (file < 0)
        return;
    f->awaited = false;
    f->handed = true;
    nw_tell_snapshot(f->deployment, file, "");
}

static void withdraw(struct nw_deployed *f, const char *why)
{
    if (!may_tell(f) || !f->handed)
        return;
    f->handed = false;
    nw_tell_snapshot(f->deployment, -1, why);
}

/* ---- one that came with the function ---- */

/* Of another vDSO than this worker's, or where none can be used, it is left alone. */
static int sent(const struct nw_control_message *message)
{
    const int file = message->head.restores ? message->fds[message->n_fds - 1] : -1;

    if (file < 0 || (nw_config()->same_vdso && !nw__snapshot_obstacle()))
        return file;
    close(file);
    return -1;
}

/* Domains are made in a range that is one mapping (range/region.h). */
const char *nw__snapshot_obstacle(void)
{
    return nw_pages_are_charged() ? "vm.overcommit_memory is 2 on this machine; a snapshot needs it to be 0 or 1"
                                  : NULL;
}

void nw__snapshot_init(struct nw_deployed *f, const struct nw_control_message *message)
{
    const struct nw_control *head = &message->head;
    const char *obstacle = head->range ? nw__snapshot_obstacle() : NULL;

    f->file = sent(message);
    f->snapshot_state = f->file >= 0               ? NW_SNAPSHOT_SENT
                        : head->range && !obstacle ? NW_SNAPSHOT_WANTED
                                                   : NW_SNAPSHOT_NONE;
    snprintf(f->no_snapshot, NW_REASON_MAX, "%s", obstacle ? obstacle : "");
    f->awaited = head->range;
    f->handed = head->restores;
}

void nw__snapshot_fini(struct nw_deployed *f)
{
    nw_taker_drop(f->snapshot);
    f->snapshot = NULL;
    if (f->file >= 0)
        nw_close(NULL, f->file);
    f->file = -1;
    f->snapshot_state = NW_SNAPSHOT_NONE;
}

void nw_deployed_opened(struct nw_deployed *f, struct nw_snapshot *snapshot, const char *why)
{
    f->file = -1;
    move(f, snapshot ? OPENED : USELESS, snapshot);
    if (!snapshot)
        withdraw(f, why);
}

/* ---- taking one ---- */

bool nw__snapshot_is_due(const struct nw_domain *domain)
{
    return nw_deployed_wants_snapshot(domain->function) && !domain->restores;
}

/* No invocation may run in the domain that the snapshot was taken of: it cannot be made what it was. An executor finds
 * that out and ends it (run/renew.c), by its only func worker, which waits; or by its first flow, which does, too: a
 * function that speaks to the gate itself may have no func worker. */
static void replace_first(struct nw_domain *domain)
{
    struct nw_slot *waits = nw_free_drain(domain);

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

    move(f, snapshot ? TAKEN : f->fresh ? PUT_OFF : NOT_TAKEN, snapshot);
    f->lost_early = 0;
    snprintf(f->no_snapshot, NW_REASON_MAX, "%s", snapshot ? "" : why);
    if (snapshot)
        hand(f);
    if (f->fresh)
        replace_first(domain);
    else
        renew(domain);
}

const struct nw_snapshot_events nw_deployed_snapshots = {.taken = taken};

/* ---- giving it up ---- */

static void spoil(struct nw_deployed *f, const char *why)
{
    snprintf(f->no_snapshot, NW_REASON_MAX, "%s", why);
    move(f, SPOIL, f->snapshot);
}

/* A shortage passes. While it lasts it counts as the loss of a domain that has not served. */
void nw_deployed_unmade(struct nw_deployed *f, int error)
{
    if (error != -EAGAIN && error != -ENOMEM && f->snapshot && !is_spoilt(f))
        spoil(f, "a domain could not be made from it");
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
static void doubt(struct nw_deployed *f, const struct nw_domain *domain, enum nw_status status, const char *reason)
{
    const bool refused = status == NW_STATUS_REFUSED;

    f->lost_early = has_served(domain) ? 0 : f->lost_early + 1;
    if (f->state == NW_DEPLOYED_LOADING && !refused)
        spoil(f, reason);
    else if (f->lost_early == EARLY_MOST)
        spoil(f, refused ? reason : CRASHED_EARLY);
}

void nw__snapshot_lost(struct nw_deployed *f, const struct nw_domain *domain, enum nw_status status, const char *reason)
{
    if (domain->restores && f->snapshot && !is_spoilt(f))
        doubt(f, domain, status, reason);
    else if (f->snapshot_state == NW_SNAPSHOT_RESTING && has_served(domain) && nw_now() >= f->rests_until)
        move(f, AGAIN, NULL);
}

void nw__snapshot_give_up(struct nw_deployed *f)
{
    if (!is_spoilt(f))
        return;
    f->lost_early = 0;
    f->rests_until = nw_now() + (REST_NS << (f->rests < DOUBLED_MOST ? f->rests : DOUBLED_MOST));
    f->rests += f->snapshot_state == NW_SNAPSHOT_SPOILT_OWN;
    move(f, f->fresh && f->snapshot_state == NW_SNAPSHOT_SPOILT_OWN ? PUT_OFF : DROP, NULL);
    withdraw(f, f->no_snapshot);
}

/* One of a fresh function waits as long as that takes. */
bool nw__snapshot_awaits_place(const struct nw_deployed *f, uint64_t now)
{
    if (!(f->snapshot || nw_deployed_wants_snapshot(f)) || (now - f->lost_at > PLACE_NS && !f->fresh))
        return false;
    for (const struct nw_domain *d = nw_domain_after(NULL); d; d = nw_domain_after(d))
        if (d->state != NW_DOMAIN_NONE && d->memory.base == f->range)
            return true;
    return false;
}
