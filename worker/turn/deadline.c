/* Earliest deadline first. Late ones, which are to be ended soon, keep their place: they are few. */
#include "worker/turn/turn.h"

uint64_t nw__deadline_most(const struct nw_claim *runs, const struct nw_claim *waits, uint64_t quantum)
{
    return waits->due < runs->due ? quantum / 2 : NW_TURN_ENDLESS;
}
