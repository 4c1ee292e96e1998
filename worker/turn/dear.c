/* See dear.h. */
#include "worker/turn/dear.h"

#define STEP_LEAST 100ull    /* ns: from nothing, too, it comes to what it is */
#define COST_MOST  500000ull /* then quanta are as long as the turns of long ones among themselves */

uint64_t nw_dear_cost(uint64_t cost, uint64_t late)
{
    const uint64_t step = cost / 8 + STEP_LEAST;

    if (late <= cost)
        return cost > step ? cost - step : 0;
    return cost + step < COST_MOST ? cost + step : COST_MOST;
}

uint64_t nw_dear_quantum(uint64_t wanted, uint64_t is, uint64_t cost)
{
    const uint64_t least = NW_DEAR_SHARE * cost;

    while (wanted > 0 && wanted < (wanted < is ? least + least / 2 : least))
        wanted *= 2;
    return wanted;
}
