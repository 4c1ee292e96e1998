/*
 * A word holds the upper half of the id, which tells apart the invocations that had the same lower half one after the
 * other, and in its lowest bit who came first. What an earlier invocation left there needs no clearing therefore.
 */
#include "common/shm/claims.h"
#include "common/base/atomic.h"

static uint32_t begun(uint64_t id)
{
    return (uint32_t)(id >> 32) << 1;
}

static uint32_t taken_back(uint64_t id)
{
    return begun(id) | 1;
}

bool nw_claim(uint32_t *claims, uint64_t id)
{
    uint32_t at = (uint32_t)id;
    /* Pairs with the exchange in nw_claim_take_back: each sees the other's word, or comes first. */
    return at >= NW_CLAIMS || nw_exchange(&claims[at], begun(id)) != taken_back(id);
}

bool nw_claim_take_back(uint32_t *claims, uint64_t id)
{
    uint32_t at = (uint32_t)id;
    return at < NW_CLAIMS && nw_exchange(&claims[at], taken_back(id)) != begun(id); /* pairs with that in nw_claim */
}
