/* See turn.h. */
#include "worker/turn/turn.h"

uint64_t nw_turn_rank(enum nw_policy policy, const struct nw_claim *claim)
{
    switch (policy) {
    case NW_POLICY_LEVELS:
        return nw__levels_rank(claim);
    case NW_POLICY_DEADLINE:
        return claim->due;
    case NW_POLICY_FAIR:
        return claim->used;
    default:
        return 0;
    }
}

bool nw_turn_by_time(enum nw_policy policy, bool brief)
{
    return policy == NW_POLICY_FAIR || (policy == NW_POLICY_LEVELS && !brief);
}

uint64_t nw_turn_most(enum nw_policy policy, const struct nw_claim *runs, const struct nw_claim *waits,
                      uint64_t quantum)
{
    switch (policy) {
    case NW_POLICY_LEVELS:
        return nw__levels_most(waits, quantum);
    case NW_POLICY_COMPLETION:
        return nw__completion_most();
    case NW_POLICY_DEADLINE:
        return nw__deadline_most(runs, waits, quantum);
    case NW_POLICY_FAIR:
        return nw__fair_most(runs, waits, quantum);
    default:
        return nw__robin_most(quantum);
    }
}
