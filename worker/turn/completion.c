/* Run to completion: nobody is made to stop for another, as on an executor without a timer. */
#include "worker/turn/turn.h"

uint64_t nw__completion_most(void)
{
    return NW_TURN_ENDLESS;
}
