/* See carry.h. */
#include "engine/base/carry.h"
#include "common/base/valid.h"
#include <string.h>

bool nw_carry_is_valid(const struct nw_carry *carry)
{
    const struct nw_list *link = &carry->chore.link;
    bool waits = link->next && !nw_list_empty(link);
    return nw_chore_is_valid(&carry->chore) && carry->done && (carry->left ? carry->to && carry->from : !waits);
}

static bool step(struct nw_chore *chore)
{
    struct nw_carry *carry = nw_container(chore, struct nw_carry, chore);
    nw_check_valid(nw_carry, carry);
    size_t piece = carry->left < NW_CARRY_PIECE ? carry->left : NW_CARRY_PIECE;
    memcpy(carry->to, carry->from, piece);
    carry->to += piece;
    carry->from += piece;
    carry->left -= piece;
    if (carry->left)
        return true;
    carry->done(carry);
    return false;
}

void nw_carry_start(struct nw_list *chores, struct nw_carry *carry)
{
    carry->chore = (struct nw_chore){.step = step};
    if (carry->left > NW_CARRY_PIECE)
        nw_chore_start(chores, &carry->chore);
    else
        step(&carry->chore);
}

void nw_carry_stop(struct nw_carry *carry)
{
    nw_chore_stop(&carry->chore);
}
