/* See ready.h. */
#include "worker/executor/ready.h"
#include "worker/account/ticks.h"
#include "worker/base/config.h"
#include "worker/base/now.h"
#include "worker/domain/attended.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/wake.h"
#include <stddef.h>

#define LONG_EACH_NS 10000000ull /* while brief ones wait, so often another one has a turn nevertheless */
#define OWN_EACH     4 /* while invocations of a domain wait, every so many turns of it are of another thread */

static struct {
    struct nw_turn_queue queues[NW_PACES]; /* domains with ready slots and a key */
    uint32_t n;                            /* slots that those have */
    uint64_t fair;                         /* the time used by the function that had the last turn by that */
    uint64_t now, long_at; /* of the last watch; of the last turn of a slot of long pace while brief ones waited */
} lists;

static enum nw_ready_kind kind_of(const struct nw_slot *slot)
{
    return slot->lent ? NW_READY_LENT : slot->sequence & 1 ? NW_READY_SERVES : NW_READY_OWN;
}

/* What runs an invocation goes before what a function does on its own account, but not for ever: that may hold a lock.
 */
static struct nw_slot *first_of(const struct nw_ready_list *list)
{
    const bool own = list->first[NW_READY_OWN] && list->turns % OWN_EACH == OWN_EACH - 1;

    if (list->first[NW_READY_LENT])
        return list->first[NW_READY_LENT];
    return list->first[NW_READY_SERVES] && !own ? list->first[NW_READY_SERVES] : list->first[NW_READY_OWN];
}

/* By policy levels there is a queue for each pace, else one. */
static enum nw_pace level_of(const struct nw_slot *slot)
{
    return nw_config()->policy == NW_POLICY_LEVELS ? slot->pace : NW_PACE_BRIEF;
}

struct nw_claim nw_ready_claim(const struct nw_slot *slot)
{
    return (struct nw_claim){slot->pace == NW_PACE_BRIEF || slot->lent, slot->due, slot->domain->function->fair};
}

/* Who comes back after a while has saved no time meanwhile. */
static uint64_t rank_of(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_deployed *function = domain->function;
    struct nw_claim claim;

    if (function->fair < lists.fair)
        function->fair = lists.fair;
    claim = nw_ready_claim(first_of(&domain->ready[pace]));
    return nw_turn_rank(nw_config()->policy, &claim);
}

static void unqueue_domain(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_ready_list *list = &domain->ready[pace];

    if (!nw_turn_waits(&list->place))
        return;
    nw_turn_drop(&lists.queues[pace], &list->place);
    lists.n -= list->n;
}

/* Domains take turns, however many slots of theirs are ready. */
static void queue_domain(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_ready_list *list = &domain->ready[pace];
    const bool waits = nw_turn_waits(&list->place);
    uint64_t rank;

    if (list->n == 0 || (waits && nw_config()->policy != NW_POLICY_DEADLINE) || domain->function->limit.spent)
        return;
    rank = rank_of(domain, pace);
    if (waits && rank >= list->place.rank)
        return;
    unqueue_domain(domain, pace); /* who came now is before those that were there */
    nw_turn_put(&lists.queues[pace], &list->place, domain, rank);
    lists.n += list->n;
}

static void slot_put(struct nw_slot *slot, enum nw_pace level)
{
    struct nw_ready_list *list = &slot->domain->ready[level];
    const enum nw_ready_kind kind = kind_of(slot);

    slot->queued_as = level;
    slot->queued_kind = kind;
    slot->next = NULL;
    if (!list->first[kind])
        list->tail[kind] = &list->first[kind];
    *list->tail[kind] = slot;
    list->tail[kind] = &slot->next;
    list->n++;
    lists.n += nw_turn_waits(&list->place);
}

/* False: it is not there. */
static bool slot_remove(struct nw_slot *slot)
{
    struct nw_ready_list *list = &slot->domain->ready[slot->queued_as];
    const enum nw_ready_kind kind = slot->queued_kind;
    struct nw_slot **link = &list->first[kind];

    while (*link && *link != slot)
        link = &(*link)->next;
    if (!*link)
        return false;
    *link = slot->next;
    if (list->tail[kind] == &slot->next)
        list->tail[kind] = link;
    list->n--;
    lists.n -= nw_turn_waits(&list->place);
    if (list->n == 0)
        unqueue_domain(slot->domain, slot->queued_as);
    return true;
}

void nw__ready_postponed(const struct nw_limit *limit, uint64_t now)
{
    nw_wake_control_by(nw_now() + nw_ticks_to_ns(nw_limit_until(limit) - now));
}

/* Whether the domain's function has used up its part of a processor. If it has, somebody looks when that is over. */
static bool is_spent(const struct nw_domain *domain, uint64_t now)
{
    struct nw_limit *limit = &domain->function->limit;

    if (!limit->spent || nw_limit_over(limit, now))
        return false;
    nw__ready_postponed(limit, now);
    return true;
}

void nw_ready(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;

    nw_attend(domain);
    nw_slot_move(slot, NW_SLOT_READY);
    slot->ready_at = nw_ticks();
    if (!(slot->sequence & 1) || !slot->used)
        slot->due = slot->ready_at + nw_ticks_of_us(domain->function->timeout_ns / 1000);
    slot_put(slot, level_of(slot));
    if (is_spent(domain, slot->ready_at))
        return;
    if (nw_key_usable(domain))
        queue_domain(domain, slot->queued_as);
    else
        nw_key_want(domain, slot->sequence & 1 || !domain->loaded);
}

void nw_ready_all(struct nw_domain *domain)
{
    for (int pace = 0; pace < NW_PACES; pace++)
        queue_domain(domain, (enum nw_pace)pace);
}

void nw_ready_again(struct nw_domain *domain)
{
    bool waits = false;

    for (int pace = 0; pace < NW_PACES; pace++)
        waits |= domain->ready[pace].n > 0 && !nw_turn_waits(&domain->ready[pace].place);
    if (!waits)
        return;
    if (nw_key_usable(domain))
        nw_ready_all(domain);
    else
        nw_key_want(domain, true);
    nw_wake_executor();
}

void nw_unready_all(struct nw_domain *domain)
{
    for (int pace = 0; pace < NW_PACES; pace++)
        unqueue_domain(domain, (enum nw_pace)pace);
}

uint32_t nw_ready_count(void)
{
    return lists.n;
}

bool nw_ready_any(void)
{
    return lists.n > 0;
}

/* Brief ones first, and now and then another nevertheless. */
static enum nw_pace choose_pace(void)
{
    if (!lists.queues[NW_PACE_LONG].n || (lists.queues[NW_PACE_BRIEF].n && lists.now - lists.long_at < LONG_EACH_NS))
        return NW_PACE_BRIEF;
    lists.long_at = lists.now;
    return NW_PACE_LONG;
}

struct nw_slot *nw_ready_take(void)
{
    const enum nw_pace pace = choose_pace();
    struct nw_domain *domain = nw_turn_first(&lists.queues[pace]);
    struct nw_slot *slot;

    if (!domain)
        return NULL;
    if (nw_turn_by_time(nw_config()->policy, pace == NW_PACE_BRIEF) && domain->ready[pace].place.rank > lists.fair)
        lists.fair = domain->ready[pace].place.rank; /* that of a turn that was lent says nothing of time */
    slot = first_of(&domain->ready[pace]);           /* a domain in the queue has one */
    domain->ready[pace].turns++;
    slot_remove(slot);
    slot->lent = false;
    if (lists.queues[pace].n == 1 && domain->ready[pace].place.rank == 0)
        return slot; /* alone, and by when it came: it would be where it is */
    unqueue_domain(domain, pace);
    queue_domain(domain, pace);
    return slot;
}

/* Of those that were stopped the one that has waited longest. */
static struct nw_slot *stopped_in(const struct nw_ready_list *list)
{
    struct nw_slot *slot = NULL;

    for (int kind = NW_READY_SERVES; kind < NW_READY_KINDS && !slot; kind++)
        for (slot = list->first[kind]; slot && !slot->used;)
            slot = slot->next;
    return slot;
}

void nw__ready_lend(const struct nw_slot *from)
{
    struct nw_domain *domain = from->domain;
    struct nw_slot *slot = stopped_in(&domain->ready[NW_PACE_LONG]);

    if (!slot)
        slot = stopped_in(&domain->ready[NW_PACE_BRIEF]);
    if (!slot)
        return;
    slot_remove(slot);
    slot->lent = true;
    slot->due = from->due < slot->due ? from->due : slot->due;
    slot_put(slot, level_of(from));
    if (nw_key_usable(domain))
        queue_domain(domain, slot->queued_as);
}

/* Takes a slot of a dying domain out of the ready queue. */
void nw_ready_remove(struct nw_slot *slot)
{
    slot_remove(slot);
}

const struct nw_slot *nw_ready_first(void)
{
    const enum nw_pace pace = lists.queues[NW_PACE_BRIEF].n ? NW_PACE_BRIEF : NW_PACE_LONG;
    const struct nw_domain *domain = nw_turn_first(&lists.queues[pace]);

    return domain ? first_of(&domain->ready[pace]) : NULL;
}

bool nw_ready_brief(void)
{
    return lists.queues[NW_PACE_BRIEF].n > 0;
}

void nw_ready_time(uint64_t now)
{
    lists.now = now;
}
