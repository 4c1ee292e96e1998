/* See chores.h. */
#include "engine/base/chores.h"
#include "common/base/clock.h"
#include "common/base/valid.h"

bool nw_chore_is_valid(const struct nw_chore *chore)
{
    return chore->step && (!chore->link.next || nw_list_is_valid(&chore->link));
}

void nw_chore_start(struct nw_list *chores, struct nw_chore *chore)
{
    nw_list_append(chores, &chore->link);
    nw_check_valid(nw_chore, chore);
}

void nw_chore_stop(struct nw_chore *chore)
{
    if (chore->link.next)
        nw_list_remove(&chore->link);
}

void nw_chores_work(struct nw_list *chores)
{
    if (nw_list_empty(chores))
        return;
    uint64_t end = nw_clock_ns() + NW_CHORES_NS;
    do {
        struct nw_chore *chore = nw_container(chores->next, struct nw_chore, link);
        nw_check_valid(nw_chore, chore);
        nw_list_remove(&chore->link);
        if (chore->step(chore))
            nw_list_append(chores, &chore->link); /* behind the others */
    } while (!nw_list_empty(chores) && nw_clock_ns() < end);
}
