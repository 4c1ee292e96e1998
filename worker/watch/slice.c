/* See slice.h. */
#include "worker/watch/slice.h"
#include "common/base/atomic.h"
#include "worker/account/ticks.h"
#include "worker/base/config.h"
#include "worker/base/lock.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/executor.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/spent.h"
#include "worker/executor/wake.h"
#include "worker/tick/quantum.h"
#include "worker/turn/turn.h"
#include "worker/wire/link.h"
#include <sched.h>

/* ns. */
#define QUANTUM_LEAST 20000ull
#define QUANTUM_FIRST 50000ull
#define QUANTUM_MOST  200000ull  /* while nobody sleeps on the rings, so that each quantum somebody looks at them */
#define QUANTUM_CALM  1000000ull /* while somebody does */
#define KEY_TURN      2000000ull /* before who waits for a key, which takes more than an executor */

/* us. */
#define LONG_LEAST 1000    /* who kept an executor for so long goes behind others when it comes back */
#define BRIEF_MOST 100     /* who has run for longer without waiting for anything goes behind others */
#define REMEMBERED 1000000 /* a function that ran long is expected to for so long */

static uint32_t chaos; /* us, see nw_slice_init */

void nw_slice_init(uint32_t always)
{
    chaos = always;
}

static bool is_long(const struct nw_slot *slot, uint64_t now)
{
    return slot->pace == NW_PACE_LONG || now < slot->domain->function->long_until;
}

static void charge(struct nw_executor *ex, uint64_t now)
{
    struct nw_deployed *function = ex->took;
    const uint64_t ran = now - ex->counted_at;

    function->usage.ran += ran;
    if (nw_turn_by_time(nw_config()->policy, ex->took_slot->pace == NW_PACE_BRIEF))
        function->fair += nw_turn_weighed(ran, function->weight);
    nw_spent_charge(function, ran, now);
    ex->counted_at = now;
}

void nw_slice_begin(struct nw_executor *ex, const struct nw_slot *slot)
{
    ex->taken_at = ex->counted_at = nw_ticks();
    slot->domain->function->usage.waited += ex->taken_at - slot->ready_at;
    if (ex->quantum && !nw_quantum_ended(ex))
        return;
    if (chaos || is_long(slot, ex->taken_at) || slot->domain->function->limit.percent)
        nw_quantum_set(ex, ex->quantum ? ex->quantum : QUANTUM_FIRST);
}

static void remember(struct nw_deployed *function, uint64_t now)
{
    function->long_until = now + nw_ticks_of_us(REMEMBERED);
}

/* One turn makes a function that was brief no long one: the kernel may have run somebody else meanwhile. */
static void count_turn(struct nw_deployed *function, bool ran_long, uint64_t now)
{
    if (ran_long && function->ran_long)
        remember(function, now);
    function->ran_long = ran_long;
}

/* Who made way has its pace from nw_slice_goes_on, who called another waits. */
void nw_slice_end(struct nw_executor *ex)
{
    const uint64_t now = nw_ticks(), kept = now - ex->taken_at;
    struct nw_slot *slot = ex->took_slot;

    charge(ex, now);
    count_turn(ex->took, kept >= nw_ticks_of_us(BRIEF_MOST), now);
    if (slot->state == NW_SLOT_READY || slot->state == NW_SLOT_CALLING)
        return;
    slot->used = 0;
    slot->pace = kept >= nw_ticks_of_us(LONG_LEAST) ? NW_PACE_LONG : NW_PACE_BRIEF;
}

bool nw__slice_is_long(struct nw_executor *ex)
{
    remember(nw_running(ex)->domain->function, nw_ticks());
    if (!ex->quantum)
        return nw_quantum_set(ex, QUANTUM_FIRST);
    return !nw_quantum_ended(ex) ||
           nw_quantum_set(ex, ex->quantum); /* a kick that found it elsewhere may be forgotten */
}

/* Whether something else than the end of the quantum may be why it was kicked. */
static bool must_look(const struct nw_slot *slot)
{
    return nw_domains_dying() || nw_keys_called_back() || !nw_key_usable(slot->domain) ||
           nw_load_relaxed(&slot->signalled); /* stored by who then kicks */
}

/* No longer than the function may run, as far as that is no shorter than any other. */
static uint64_t grow(const struct nw_executor *ex, const struct nw_limit *limit)
{
    uint64_t most = nw_wake_is_led() ? QUANTUM_CALM : QUANTUM_MOST;

    if (limit->percent && limit->left > 0 && nw_ticks_to_ns((uint64_t)limit->left) < most)
        most = nw_ticks_to_ns((uint64_t)limit->left);
    if (most < QUANTUM_LEAST)
        most = QUANTUM_LEAST;
    return ex->quantum * 2 < most ? ex->quantum * 2 : most;
}

static uint64_t shrink(const struct nw_executor *ex)
{
    return ex->quantum / 2 > QUANTUM_LEAST ? ex->quantum / 2 : QUANTUM_LEAST;
}

static bool key_is_due(uint64_t used)
{
    const struct nw_domain *wanting = nw_keys_first_wanting();

    return wanting && wanting->key_urgent && nw_ticks_to_ns(used) >= KEY_TURN;
}

/* Whether the slot must make way to who waits. Nobody knows yet who is in the rings: it counts as one that is brief. */
static bool is_over(const struct nw_executor *ex, const struct nw_slot *slot, uint64_t used)
{
    static const struct nw_claim newcomer = {.brief = true};
    const struct nw_slot *first = nw_ready_first();
    const struct nw_claim runs = nw_ready_claim(slot), waits = first ? nw_ready_claim(first) : newcomer;
    const enum nw_policy policy = nw_config()->policy;
    uint64_t most = NW_TURN_ENDLESS;

    if (first)
        most = nw_turn_most(policy, &runs, &waits, ex->quantum);
    if (nw_links_have_work() && nw_turn_most(policy, &runs, &newcomer, ex->quantum) < most)
        most = nw_turn_most(policy, &runs, &newcomer, ex->quantum);
    return nw_ticks_to_ns(used) >= most || key_is_due(used);
}

/* But not before it has run. */
static bool goes_on_always(uint64_t used, uint64_t *quantum)
{
    *quantum = chaos == 1 ? QUANTUM_LEAST + nw_ticks() % QUANTUM_LEAST : chaos * 1000ull;
    return nw_ticks_to_ns(used) < QUANTUM_LEAST / 2;
}

/* And how long the next quantum is, of this slot or another. */
static bool goes_on(const struct nw_executor *ex, const struct nw_slot *slot, uint64_t now, uint64_t *quantum)
{
    const struct nw_limit *limit = &slot->domain->function->limit;
    bool over;

    if (chaos)
        return goes_on_always(now - ex->taken_at, quantum);
    over = is_over(ex, slot, now - ex->taken_at);
    if (nw_ready_brief() || nw_links_have_work()) /* who has just begun is not what they wait for */
        *quantum = over ? shrink(ex) : ex->quantum;
    else
        *quantum = is_long(slot, now) || nw_ready_any() || limit->percent ? grow(ex, limit) : 0;
    return !over && !limit->spent;
}

/*
 * Lets the kernel run who else waits for this processor, the engine above all: by itself it looks for them only at its
 * ticks, some milliseconds apart, and when one wakes up that has had less than its part. Their time is none of the
 * slot's.
 */
static void let_others_run(struct nw_executor *ex)
{
    const uint64_t from = nw_ticks();
    uint64_t passed;

    pthread_mutex_unlock(&nw_monitor_lock);
    sched_yield();
    pthread_mutex_lock(&nw_monitor_lock);
    passed = nw_ticks() - from;
    ex->taken_at += passed;
    ex->counted_at += passed;
}

void nw_slice_yield(const struct nw_executor *ex, struct nw_slot *slot)
{
    slot->used += nw_ticks() - ex->taken_at;
    if (slot->used >= nw_ticks_of_us(BRIEF_MOST))
        slot->pace = NW_PACE_LONG;
}

bool nw_slice_goes_on(struct nw_executor *ex, struct nw_slot *slot)
{
    const uint64_t now = nw_ticks();
    bool stays = false;
    uint64_t quantum;

    nw_quantum_count(ex);
    charge(ex, now);
    if (ex->quantum && !must_look(slot)) {
        stays = goes_on(ex, slot, now, &quantum);
        if (stays && nw_quantum_ended(ex))
            let_others_run(ex);
        nw_quantum_set(ex, quantum);
    }
    if (stays && !must_look(slot))
        return true;
    slot->domain->function->usage.preempted++;
    nw_slice_yield(ex, slot);
    return false;
}
