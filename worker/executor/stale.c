/* See stale.h. */
#include "worker/executor/stale.h"
#include "worker/account/ticks.h"
#include "worker/domain/slot.h"
#include <stddef.h>

static struct nw_slot *first, **last = &first;

void nw_stale(struct nw_slot *slot)
{
    nw_slot_move(slot, NW_SLOT_STALE);
    slot->stale = true;
    slot->ready_at = nw_ticks();
    slot->next = NULL;
    *last = slot;
    last = &slot->next;
}

void nw_stale_remove(struct nw_slot *slot)
{
    struct nw_slot **link = &first;

    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
    if (last == &slot->next)
        last = link;
}

struct nw_slot *nw_stale_take(void)
{
    struct nw_slot *slot = first;

    if (slot)
        nw_stale_remove(slot);
    return slot;
}
