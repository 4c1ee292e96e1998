/* See limit.h. */
#include "worker/turn/limit.h"

/* What it has at the beginning of a window. */
static int64_t whole(const struct nw_limit *limit)
{
    return (int64_t)(limit->window * limit->percent / 100);
}

/* So much of that is back before it runs again: not each moment's little, which would cost a turn each. */
static int64_t part(const struct nw_limit *limit)
{
    return whole(limit) / 4;
}

void nw_limit_init(struct nw_limit *limit, uint32_t percent, uint64_t window, uint64_t now)
{
    *limit = (struct nw_limit){.percent = percent, .window = window, .at = now};
    limit->left = whole(limit);
}

static void refill(struct nw_limit *limit, uint64_t now)
{
    const uint64_t passed = now > limit->at ? now - limit->at : 0;

    /* More than some windows would be too much to multiply, and no more use. */
    limit->left += (int64_t)((passed < 1000 * limit->window ? passed : 1000 * limit->window) * limit->percent / 100);
    if (limit->left > whole(limit))
        limit->left = whole(limit);
    if (passed)
        limit->at = now;
}

bool nw_limit_charge(struct nw_limit *limit, uint64_t ran, uint64_t now)
{
    refill(limit, now);
    limit->left -= (int64_t)ran;
    if (limit->left > 0 || limit->spent)
        return false;
    limit->spent = true;
    return true;
}

uint64_t nw_limit_until(const struct nw_limit *limit)
{
    const int64_t lacks = part(limit) - limit->left;

    return limit->at + (lacks > 0 ? (uint64_t)lacks * 100 / limit->percent + 1 : 0);
}

bool nw_limit_over(struct nw_limit *limit, uint64_t now)
{
    if (now < nw_limit_until(limit))
        return false;
    refill(limit, now);
    limit->spent = false;
    return true;
}
