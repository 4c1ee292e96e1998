/* Time by weight for each function, whatever its turns are like. Who comes back has saved nothing (executor/ready.c).
 */
#include "worker/turn/turn.h"

uint64_t nw__fair_most(const struct nw_claim *runs, const struct nw_claim *waits, uint64_t quantum)
{
    return waits->used < runs->used ? quantum / 2 : NW_TURN_ENDLESS;
}
