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

/* Puts `mine` there, unless the other side came first: what it put is left, so that whoever asks again gets the same
 * answer. Besides `mine` only `theirs` can come between the load and the exchange, so there is nothing to try again;
 * whatever else a worker writes there counts as `theirs`. The exchange pairs with that of the other side. */
static bool come_first(uint32_t *word, uint32_t mine, uint32_t theirs)
{
    uint32_t was = nw_load_acquire(word);
    return was != theirs && nw_compare_exchange(word, &was, mine);
}

bool nw_claim(uint32_t *claims, uint64_t id)
{
    uint32_t at = (uint32_t)id;
    return at >= NW_CLAIMS || come_first(&claims[at], begun(id), taken_back(id));
}

bool nw_claim_take_back(uint32_t *claims, uint64_t id)
{
    uint32_t at = (uint32_t)id;
    return at < NW_CLAIMS && come_first(&claims[at], taken_back(id), begun(id));
}
