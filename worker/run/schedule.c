/*
 * Who runs next and for how long: the ready queue, sleepers, and the watch over deadlines and quanta. Policy only;
 * executor.c does the running.
 */
#include "worker/run/schedule.h"
#include "common/base/atomic.h"
#include "worker/base/limits.h"
#include "worker/call/extra.h"
#include "worker/call/invoke.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/keys.h"
#include "worker/domain/monitor.h"
#include "worker/executor/wake.h"
#include "worker/run/teardown.h"
#include "worker/signal/signals.h"
#include "worker/wire/remote.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define QUANTUM_NS    5000000ull  /* a slot that ran this long yields to one that waits */
#define BRIEF_WAIT_NS 2000000ull  /* ... and to one that will be brief */
#define LONG_EACH_NS  10000000ull /* while brief ones wait, so often another one has a turn nevertheless */

/* Domains take turns, however many slots of theirs are ready. */
static void queue_domain(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_ready_list *list = &domain->ready[pace];

    if (list->queued || !list->first)
        return;
    list->queued = true;
    list->next = NULL;
    *nw_m.ready_tail[pace] = domain;
    nw_m.ready_tail[pace] = &list->next;
}

static void unqueue_domain(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_ready_list *list = &domain->ready[pace];
    struct nw_domain **link = &nw_m.ready[pace];

    if (!list->queued)
        return;
    while (*link != domain)
        link = &(*link)->ready[pace].next;
    *link = list->next;
    if (nw_m.ready_tail[pace] == &list->next)
        nw_m.ready_tail[pace] = link;
    list->queued = false;
}

void nw_ready(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;
    struct nw_ready_list *list = &domain->ready[slot->pace];

    slot->state = NW_SLOT_READY;
    slot->queued_as = slot->pace;
    slot->next = NULL;
    if (!list->first)
        list->tail = &list->first;
    *list->tail = slot;
    list->tail = &slot->next;
    if (nw_key_usable(domain))
        queue_domain(domain, slot->pace);
    else
        nw_key_want(domain, slot->sequence & 1 || !domain->loaded);
}

void nw_ready_all(struct nw_domain *domain)
{
    for (int pace = 0; pace < NW_PACES; pace++)
        queue_domain(domain, (enum nw_pace)pace);
}

void nw_unready_all(struct nw_domain *domain)
{
    for (int pace = 0; pace < NW_PACES; pace++)
        unqueue_domain(domain, (enum nw_pace)pace);
}

bool nw_ready_any(void)
{
    return nw_m.ready[NW_PACE_BRIEF] || nw_m.ready[NW_PACE_LONG];
}

/* What runs an invocation goes before what a function does on its own account. */
static struct nw_slot **first_of(struct nw_ready_list *list)
{
    struct nw_slot **link = &list->first;

    while (*link && !((*link)->sequence & 1))
        link = &(*link)->next;
    return *link ? link : &list->first;
}

static void slot_remove(struct nw_ready_list *list, struct nw_slot **link)
{
    struct nw_slot *slot = *link;

    *link = slot->next;
    if (list->tail == &slot->next)
        list->tail = link;
}

/* Brief ones first, and now and then another nevertheless. */
static enum nw_pace choose_pace(void)
{
    if (!nw_m.ready[NW_PACE_LONG] || (nw_m.ready[NW_PACE_BRIEF] && nw_m.now - nw_m.long_at < LONG_EACH_NS))
        return NW_PACE_BRIEF;
    nw_m.long_at = nw_m.now;
    return NW_PACE_LONG;
}

struct nw_slot *nw_ready_take(void)
{
    enum nw_pace pace = choose_pace();
    struct nw_domain *domain = nw_m.ready[pace];
    struct nw_slot **link, *slot;

    if (!domain)
        return NULL;
    link = first_of(&domain->ready[pace]); /* a domain in the queue has one */
    slot = *link;
    slot_remove(&domain->ready[pace], link);
    unqueue_domain(domain, pace);
    queue_domain(domain, pace);
    return slot;
}

/* Takes a slot of a dying domain out of the ready queue. */
void nw_ready_remove(struct nw_slot *slot)
{
    struct nw_ready_list *list = &slot->domain->ready[slot->queued_as];
    struct nw_slot **link = &list->first;

    while (*link && *link != slot)
        link = &(*link)->next;
    if (!*link)
        return;
    slot_remove(list, link);
    if (!list->first)
        unqueue_domain(slot->domain, slot->queued_as);
}

void nw_sleep(struct nw_slot *slot, enum nw_slot_state state, uint64_t wake_at)
{
    nw_m.n_awaiting += state == NW_SLOT_BLOCK;
    slot->state = state;
    slot->wake_at = wake_at;
    slot->next = slot->domain->sleepers;
    slot->domain->sleepers = slot;
    if (wake_at)
        nw_wake_control_by(wake_at);
    if (slot->signalled) /* it came before the slot slept */
        nw_signal_wake(slot);
}

void nw_sleepers_remove(struct nw_slot *slot)
{
    struct nw_slot **link = &slot->domain->sleepers;

    while (*link && *link != slot)
        link = &(*link)->next;
    if (*link)
        nw_m.n_awaiting -= slot->state == NW_SLOT_BLOCK;
    if (*link)
        *link = slot->next;
}

static uint64_t domain_timers(struct nw_domain *domain, uint64_t now, uint64_t next)
{
    struct nw_slot *slot = domain->sleepers, *following;

    for (; slot; slot = following) {
        following = slot->next;
        if (!slot->wake_at)
            continue;
        if (slot->wake_at > now) {
            next = slot->wake_at < next ? slot->wake_at : next;
            continue;
        }
        nw_sleepers_remove(slot);
        if (slot->state != NW_SLOT_BLOCK && slot->state != NW_SLOT_SIGWAIT) /* those make their call again */
            nw_slot_result(slot, slot->state == NW_SLOT_FUTEX ? -ETIMEDOUT : 0);
        nw_ready(slot);
        nw_wake_executor();
    }
    return next;
}

uint64_t nw_timers_run(uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < NW_DOMAINS_MAX && nw_m.domains[i]; i++) {
        uint64_t expires = nw_signal_timers_run(nw_m.domains[i], now);

        next = expires < next ? expires : next;
        if (nw_m.domains[i]->sleepers)
            next = domain_timers(nw_m.domains[i], now, next);
    }
    return next;
}

/* The deadline of whatever invocation a slot runs, or has yet to take, found by sampling: the nested call reads no
 * clock. */
static bool past_deadline(struct nw_slot *slot, uint64_t now, uint64_t timeout)
{
    uint32_t sequence = nw_load_relaxed(&slot->sequence); /* written by the executor that owns the slot */

    if (nw_without(NW_DEFENCE_DEADLINE) || slot->state == NW_SLOT_UNUSED || (!(sequence & 1) && !slot->assigned))
        return false;
    if (sequence != slot->seen_sequence || !slot->seen_at) {
        slot->seen_sequence = sequence;
        slot->seen_at = now;
        return false;
    }
    if (slot->state == NW_SLOT_ARENA) { /* it waits for whoever reads what others wrote: that is not its time */
        slot->seen_at = now;
        return false;
    }
    return now - slot->seen_at >= timeout;
}

/*
 * A caller whose callee is late is not to blame: it keeps its domain. Its own invocation is answered, and it has its
 * time once more to come to an end; the callee has a deadline of its own.
 */
static bool excuse(struct nw_slot *slot, uint64_t now, const char *reason)
{
    enum nw_slot_state state = slot->state;

    if (slot->excused || (state != NW_SLOT_CALLING && state != NW_SLOT_QUEUED && state != NW_SLOT_REMOTE))
        return false;
    slot->excused = true;
    slot->seen_at = now;
    if (slot->from_ring) {
        slot->answered = true;
        nw_complete(slot->invocation, NW_STATUS_TIMEOUT, reason);
    }
    if (state == NW_SLOT_QUEUED)
        nw_queue_cancel(slot);
    return true;
}

static void watch_slots(struct nw_domain *domain, uint64_t now)
{
    struct nw_function *function = domain->function;
    char reason[NW_REASON_MAX];

    for (size_t i = 0; domain->state == NW_DOMAIN_LIVE && i < domain->slots_end; i++) {
        if (!past_deadline(&domain->slots[i], now, function->timeout_ns))
            continue;
        snprintf(reason, sizeof(reason), "ran past its deadline of %llu ms",
                 (unsigned long long)(function->timeout_ns / 1000000));
        if (!excuse(&domain->slots[i], now, reason))
            nw_domain_kill(domain, NW_STATUS_TIMEOUT, reason);
    }
}

static void watch_domain(struct nw_domain *domain, uint64_t now)
{
    uint64_t age = now - domain->started_at;

    if (domain->state == NW_DOMAIN_STARTING && age >= NW_START_TIMEOUT * 1000000ull)
        nw_domain_kill(domain, NW_STATUS_TIMEOUT, "the function was not ready within 10 s of being loaded");
    else if (domain->closing && age >= domain->function->timeout_ns)
        nw_domain_kill(domain, NW_STATUS_TIMEOUT, "faas_destroy_func_worker or an exit handler ran past the deadline");
    else
        watch_slots(domain, now);
    if (domain->state == NW_DOMAIN_LIVE)
        nw_extra_end_idle(domain, now);
}

static void kick(const struct nw_executor *ex)
{
    syscall(SYS_tgkill, getpid(), ex->gate.tid, NW_PREEMPT_SIGNAL);
}

/* How long those that wait leave an executor to one slot. */
static uint64_t quantum(bool waiting)
{
    if (nw_m.ready[NW_PACE_BRIEF] || (nw_m.key_line && nw_m.key_line->key_urgent) || nw_line_waits())
        return BRIEF_WAIT_NS;
    return waiting ? QUANTUM_NS : UINT64_MAX;
}

/* An executor that has run one slot, with all it calls, for a quantum while others wait is told to yield; at once when
 * it is known to be long and others are not. */
static void watch_executor(struct nw_executor *ex, uint64_t now, uint64_t most)
{
    uint32_t runs = nw_load_relaxed(&ex->runs); /* written by the executor, under the lock that is held here */

    /* The kick of nw_domain_kill may have come right before the wait. */
    if (ex->blocked && nw_running(ex)->domain->state == NW_DOMAIN_DYING)
        kick(ex);
    /* Or that of a signal. */
    if (!ex->idle && !ex->away && nw_running(ex)->signalled)
        kick(ex);
    if (runs != ex->seen_runs || ex->idle || ex->blocked) {
        ex->seen_runs = runs;
        ex->seen_at = now;
        if (ex->idle || ex->blocked || ex->away || most > BRIEF_WAIT_NS || ex->took_slot->pace == NW_PACE_BRIEF)
            return;
        most = 0;
    }
    if (now - ex->seen_at >= most)
        kick(ex);
}

bool nw_watch(uint64_t now)
{
    bool waiting = nw_ready_any() || nw_m.key_line || nw_line_waits(), busy = waiting;
    uint64_t most = quantum(waiting);

    nw_m.now = now;
    for (size_t i = 0; i < NW_DOMAINS_MAX && nw_m.domains[i]; i++) {
        struct nw_domain *domain = nw_m.domains[i];

        busy |= domain->n_free < domain->n_workers || domain->n_workers > domain->function->slots ||
                domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_DYING;
        if (domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_LIVE)
            watch_domain(domain, now);
    }
    for (uint32_t i = 0; i < nw_m.n_executors; i++) {
        busy |= nw_m.executors[i]->runs != nw_m.executors[i]->seen_runs || !nw_m.executors[i]->idle;
        watch_executor(nw_m.executors[i], now, most);
    }
    if (waiting)
        nw_wake_executor();
    return busy;
}
