/* Round robin: whoever waits has the next turn, in the order in which they came, and turns are a quantum long. */
#include "worker/turn/turn.h"

uint64_t nw__robin_most(uint64_t quantum)
{
    return quantum / 2; /* as in levels.c */
}
