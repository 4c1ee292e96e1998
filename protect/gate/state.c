/* See state.h. */
#include "protect/gate/state.h"
#include "common/base/atomic.h"

/* Read by gate.S without a barrier: whoever runs what is noted here does so after it was mapped, which comes later. */
uint32_t nw__gate_state;

void nw_gate_state_init(void)
{
    nw_fetch_or(&nw__gate_state, nw_state_here() & ~(uint32_t)NW_STATE_TILES);
}

void nw_gate_state_tiles(void)
{
    nw_fetch_or(&nw__gate_state, nw_state_here() & NW_STATE_TILES);
}
