/*
 * Who runs next and for how long: the ready queue, sleepers, and the watch over deadlines and quanta. Policy only;
 * executor.c does the running.
 */
#include "common/atomic.h"
#include "worker/monitor.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define QUANTUM_NS 5000000ull /* a slot that ran this long yields to one that waits */

uint64_t nw_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* Domains take turns, however many slots of theirs are ready. */
void nw_ready(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;

    slot->state = NW_SLOT_READY;
    slot->next = NULL;
    if (!domain->ready) {
        domain->ready_tail = &domain->ready;
        domain->next_ready = NULL;
        *nw_m.ready_tail = domain;
        nw_m.ready_tail = &domain->next_ready;
    }
    *domain->ready_tail = slot;
    domain->ready_tail = &slot->next;
}

/* Takes the domain at `link` out of the queue of domains. */
static void unqueue(struct nw_domain **link)
{
    struct nw_domain *domain = *link;

    *link = domain->next_ready;
    if (nw_m.ready_tail == &domain->next_ready)
        nw_m.ready_tail = link;
}

/* What runs an invocation goes before what a function does on its own account. */
static struct nw_slot **first_of(struct nw_domain *domain)
{
    struct nw_slot **link = &domain->ready;

    while (*link && !((*link)->sequence & 1))
        link = &(*link)->next;
    return *link ? link : &domain->ready;
}

static void slot_remove(struct nw_domain *domain, struct nw_slot **link)
{
    struct nw_slot *slot = *link;

    *link = slot->next;
    if (domain->ready_tail == &slot->next)
        domain->ready_tail = link;
}

/* The first domain that has a key or can have one. Others wait until a domain is idle: whoever made it so looks here.
 */
static struct nw_domain **first_with_key(void)
{
    struct nw_domain **of = &nw_m.ready;
    bool taken = false;

    for (; nw_m.keyed && *of && (*of)->key == 0; of = &(*of)->next_ready) {
        if (!taken && nw_domain_bind(*of) == 0)
            break;
        taken = true;
    }
    return of;
}

struct nw_slot *nw_ready_take(void)
{
    struct nw_domain **of = first_with_key(), *domain = *of;
    struct nw_slot **link, *slot;

    if (!domain)
        return NULL;
    link = first_of(domain); /* a domain in the queue has one */
    slot = *link;
    slot_remove(domain, link);
    unqueue(of);
    if (domain->ready) {
        domain->next_ready = NULL;
        *nw_m.ready_tail = domain;
        nw_m.ready_tail = &domain->next_ready;
    }
    return slot;
}

/* Takes a slot of a dying domain out of the ready queue. */
void nw_ready_remove(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain, **of = &nw_m.ready;
    struct nw_slot **link = &domain->ready;

    while (*link && *link != slot)
        link = &(*link)->next;
    if (!*link)
        return;
    slot_remove(domain, link);
    while (!domain->ready && *of && *of != domain)
        of = &(*of)->next_ready;
    if (!domain->ready && *of)
        unqueue(of);
}

void nw_sleep(struct nw_slot *slot, enum nw_slot_state state, uint64_t wake_at)
{
    const uint64_t one = 1;

    nw_m.n_awaiting += state == NW_SLOT_BLOCK;
    slot->state = state;
    slot->wake_at = wake_at;
    slot->next = slot->domain->sleepers;
    slot->domain->sleepers = slot;
    if (wake_at && wake_at < nw_m.next_timer && write(nw_m.wake, &one, sizeof(one)) < 0)
        nw_m.next_timer = 0; /* the counter is full: the control thread is awake anyway */
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
        if (slot->state != NW_SLOT_BLOCK) /* that one makes its call again */
            nw_slot_result(slot, slot->state == NW_SLOT_FUTEX ? -ETIMEDOUT : 0);
        nw_ready(slot);
        nw_executor_wake();
    }
    return next;
}

uint64_t nw_timers_run(uint64_t now)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < NW_DOMAINS_MAX && nw_m.domains[i]; i++)
        if (nw_m.domains[i]->sleepers)
            next = domain_timers(nw_m.domains[i], now, next);
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

    for (size_t i = 0; domain->state == NW_DOMAIN_LIVE && i < NW_DOMAIN_SLOTS; i++) {
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
        nw_domain_kill(domain, NW_STATUS_UNAVAILABLE, "faas_destroy_func_worker ran past its deadline");
    else
        watch_slots(domain, now);
    if (domain->state == NW_DOMAIN_LIVE)
        nw_extra_end_idle(domain, now);
}

static void kick(const struct nw_executor *ex)
{
    syscall(SYS_tgkill, getpid(), ex->gate.tid, NW_PREEMPT_SIGNAL);
}

/* An executor that has run one slot, with all it calls, for a quantum while others wait is told to yield. */
static void watch_executor(struct nw_executor *ex, uint64_t now, bool waiting)
{
    uint32_t runs = nw_load_relaxed(&ex->runs); /* written by the executor, under the lock that is held here */

    /* The kick of nw_domain_kill may have come right before the wait. */
    if (ex->blocked && nw_running(ex)->domain->state == NW_DOMAIN_DYING)
        kick(ex);
    if (runs != ex->seen_runs || ex->idle || ex->blocked) {
        ex->seen_runs = runs;
        ex->seen_at = now;
        return;
    }
    if (waiting && now - ex->seen_at >= QUANTUM_NS)
        kick(ex);
}

bool nw_watch(uint64_t now)
{
    bool waiting = nw_m.ready || nw_line_waits(), busy = waiting;

    for (size_t i = 0; i < NW_DOMAINS_MAX && nw_m.domains[i]; i++) {
        struct nw_domain *domain = nw_m.domains[i];

        busy |= domain->n_free < domain->n_workers || domain->n_workers > domain->function->slots ||
                domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_DYING;
        if (domain->state == NW_DOMAIN_STARTING || domain->state == NW_DOMAIN_LIVE)
            watch_domain(domain, now);
    }
    for (uint32_t i = 0; i < nw_m.n_executors; i++) {
        busy |= nw_m.executors[i]->runs != nw_m.executors[i]->seen_runs || !nw_m.executors[i]->idle;
        watch_executor(nw_m.executors[i], now, waiting);
    }
    if (waiting)
        nw_executor_wake();
    return busy;
}
