/* Two levels: brief ones first, as they come (executor/ready.c has a queue for each level); those that turned out to be
 * long wait behind them. Among themselves they share the time by weight, in long turns, since to switch more often
 * would help none of them. */
#include "worker/turn/turn.h"

#define LONG_TURN_NS 5000000ull

uint64_t nw__levels_rank(const struct nw_claim *claim)
{
    return claim->brief ? 0 : claim->used;
}

uint64_t nw__levels_most(const struct nw_claim *waits, uint64_t quantum)
{
    return waits->brief ? quantum / 2 : LONG_TURN_NS; /* it may have just begun when the quantum ends */
}
