/* See ready.h. */
#include "worker/executor/ready.h"
#include "worker/account/ticks.h"
#include "worker/base/config.h"
#include "worker/domain/attended.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include <stddef.h>

#define LONG_EACH_NS 10000000ull /* while brief ones wait, so often another one has a turn nevertheless */

static struct {
    struct nw_domain *first[NW_PACES], **tail[NW_PACES]; /* domains with ready slots and a key */
    uint32_t n;                                          /* slots that those have */
    uint64_t arrivals;                                   /* of domains in a queue */
    uint64_t highest[NW_PACES];                          /* a rank that no domain in the queue is above */
    uint64_t fair;         /* the time used by the function that had the last turn by policy fair */
    uint64_t now, long_at; /* of the last watch; of the last turn of a slot of long pace while brief ones waited */
} lists = {.tail = {&lists.first[NW_PACE_BRIEF], &lists.first[NW_PACE_LONG]}};

/* What runs an invocation goes before what a function does on its own account. */
static struct nw_slot **first_of(struct nw_ready_list *list)
{
    struct nw_slot **link = &list->first;

    while (*link && !((*link)->sequence & 1))
        link = &(*link)->next;
    return *link ? link : &list->first;
}

/* By policy levels there is a queue for each pace, else one. */
static enum nw_pace level_of(const struct nw_slot *slot)
{
    return nw_config()->policy == NW_POLICY_LEVELS ? slot->pace : NW_PACE_BRIEF;
}

struct nw_claim nw_ready_claim(const struct nw_slot *slot)
{
    return (struct nw_claim){slot->pace == NW_PACE_BRIEF, slot->due, slot->domain->function->fair};
}

/* Who comes back after a while has saved no time meanwhile. */
static uint64_t rank_of(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_deployed *function = domain->function;
    struct nw_claim claim;

    if (function->fair < lists.fair)
        function->fair = lists.fair;
    claim = nw_ready_claim(*first_of(&domain->ready[pace]));
    return nw_turn_rank(nw_config()->policy, &claim, ++lists.arrivals);
}

/* Where a domain of this rank is queued: behind those of the same. Most go behind all. */
static struct nw_domain **place_of(uint64_t rank, enum nw_pace pace)
{
    struct nw_domain **link = &lists.first[pace];

    if (!*link || rank >= lists.highest[pace]) {
        lists.highest[pace] = rank;
        return lists.tail[pace];
    }
    while (*link && (*link)->ready[pace].rank <= rank)
        link = &(*link)->ready[pace].next;
    return link;
}

/* Domains take turns, however many slots of theirs are ready. */
static void queue_domain(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_ready_list *list = &domain->ready[pace];
    struct nw_domain **link;

    if (list->queued || !list->first)
        return;
    list->queued = true;
    list->rank = rank_of(domain, pace);
    link = place_of(list->rank, pace);
    list->next = *link;
    *link = domain;
    if (!list->next)
        lists.tail[pace] = &list->next;
    lists.n += list->n;
}

static void unqueue_domain(struct nw_domain *domain, enum nw_pace pace)
{
    struct nw_ready_list *list = &domain->ready[pace];
    struct nw_domain **link = &lists.first[pace];

    if (!list->queued)
        return;
    while (*link != domain)
        link = &(*link)->ready[pace].next;
    *link = list->next;
    if (lists.tail[pace] == &list->next)
        lists.tail[pace] = link;
    list->queued = false;
    lists.n -= list->n;
}

void nw_ready(struct nw_slot *slot)
{
    struct nw_domain *domain = slot->domain;
    const enum nw_pace level = level_of(slot);
    struct nw_ready_list *list = &domain->ready[level];

    nw_attend(domain);
    nw_slot_move(slot, NW_SLOT_READY);
    slot->queued_as = level;
    slot->ready_at = nw_ticks();
    if (!(slot->sequence & 1) || !slot->used)
        slot->due = slot->ready_at + nw_ticks_of_us(domain->function->timeout_ns / 1000);
    slot->next = NULL;
    if (!list->first)
        list->tail = &list->first;
    *list->tail = slot;
    list->tail = &slot->next;
    list->n++;
    lists.n += list->queued;
    if (nw_key_usable(domain))
        queue_domain(domain, level);
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

uint32_t nw_ready_count(void)
{
    return lists.n;
}

bool nw_ready_any(void)
{
    return lists.n > 0;
}

static void slot_remove(struct nw_ready_list *list, struct nw_slot **link)
{
    struct nw_slot *slot = *link;

    *link = slot->next;
    if (list->tail == &slot->next)
        list->tail = link;
    list->n--;
    lists.n -= list->queued;
}

/* Brief ones first, and now and then another nevertheless. */
static enum nw_pace choose_pace(void)
{
    if (!lists.first[NW_PACE_LONG] || (lists.first[NW_PACE_BRIEF] && lists.now - lists.long_at < LONG_EACH_NS))
        return NW_PACE_BRIEF;
    lists.long_at = lists.now;
    return NW_PACE_LONG;
}

struct nw_slot *nw_ready_take(void)
{
    enum nw_pace pace = choose_pace();
    struct nw_domain *domain = lists.first[pace];
    struct nw_slot **link, *slot;

    if (!domain)
        return NULL;
    if (nw_config()->policy == NW_POLICY_FAIR)
        lists.fair = domain->ready[pace].rank;
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

const struct nw_slot *nw_ready_first(void)
{
    const enum nw_pace pace = lists.first[NW_PACE_BRIEF] ? NW_PACE_BRIEF : NW_PACE_LONG;

    return lists.first[pace] ? *first_of(&lists.first[pace]->ready[pace]) : NULL;
}

bool nw_ready_brief(void)
{
    return lists.first[NW_PACE_BRIEF] != NULL;
}

void nw_ready_time(uint64_t now)
{
    lists.now = now;
}
