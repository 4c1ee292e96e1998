/* See admit.h. */
#include "engine/admit/admit.h"

uint64_t nw_admit_wait_ms(const struct nw_admit_state *state)
{
    return (state->here + 1) * state->gap_us / 1000;
}

static int is_beyond_its_part(const struct nw_admit_state *state)
{
    return state->all_queued >= state->all_most / 2 && state->queued >= state->all_most / 2 / (state->others + 1);
}

enum nw_admit nw_admit(const struct nw_admit_state *state)
{
    if (state->here >= state->most)
        return NW_ADMIT_FULL;
    if (is_beyond_its_part(state))
        return NW_ADMIT_HOST_FULL;
    if (state->queued && nw_admit_wait_ms(state) > state->patience_ms)
        return NW_ADMIT_LATE;
    return NW_ADMIT;
}

const char *nw_admit_reason(enum nw_admit verdict)
{
    static const char *const reasons[] = {
        [NW_ADMIT] = "",
        [NW_ADMIT_FULL] = "as many requests wait for it as may",
        [NW_ADMIT_HOST_FULL] = "as many requests wait on this host as may",
        [NW_ADMIT_LATE] = "it would not answer before the deadline",
    };
    return reasons[verdict];
}
