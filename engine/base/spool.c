/* See spool.h. */
#include "engine/base/spool.h"
#include "common/base/valid.h"
#include "common/manifest/resources.h"
#include <errno.h>

/* Parts of the budget: one in so many. */
#define HOLDS_MOST   (NW_ROOM_PAYLOAD_MEMORY / NW_LIMIT_PAYLOAD_MEMORY) /* what a function may hold, if not just one */
#define HOLDS_LITTLE (NW_ROOM_PAYLOAD_MEMORY / NW_SHARE_PAYLOAD_MEMORY) /* what one holds that holds little ... */
#define FOR_LITTLE   4                                                  /* ... and what is kept for those */

void nw_spool_init(struct nw_spool *spool, uint64_t budget, uint64_t lift)
{
    *spool = (struct nw_spool){.budget = budget - lift, .lift = lift};
    nw_list_init(&spool->holders);
    nw_list_init(&spool->marked);
}

static struct nw_spool_holder *holder_at(struct nw_list *at)
{
    return nw_container(at, struct nw_spool_holder, link);
}

/* What those hold that have no lift. */
static uint64_t held_in_common(const struct nw_spool *spool)
{
    return spool->held - (spool->lifted ? spool->lifted->held : 0);
}

/* What all hold together is counted in `held`, and within the budget but for the lift; who is to be cut off holds
 * nothing any more. */
bool nw_spool_is_valid(const struct nw_spool *spool)
{
    uint64_t held = 0;

    nw_list_each(&spool->holders, at, walk)
    {
        const struct nw_spool_holder *holder = holder_at(at);

        if (!holder->held || *holder->account < holder->held)
            return false;
        held += holder->held;
    }
    nw_list_each(&spool->marked, at, walk) if (holder_at(at)->held) return false;
    return held == spool->held && held_in_common(spool) <= spool->budget &&
           (!spool->lifted || spool->lifted->held <= spool->lift);
}

/* Bytes per second since it began to hold memory. */
static uint64_t rate(const struct nw_spool_holder *holder, uint64_t now)
{
    return (uint64_t)*holder->moved * 1000 / (now - holder->since + 1);
}

/* The slowest holder other than `but`: of the same function if `of_its_own`, else of those that hold at least as much.
 */
static struct nw_spool_holder *slowest(struct nw_spool *spool, const struct nw_spool_holder *but, bool of_its_own,
                                       uint64_t now)
{
    struct nw_spool_holder *found = NULL;

    nw_list_each(&spool->holders, at, walk)
    {
        struct nw_spool_holder *holder = holder_at(at);

        if (holder == but || !holder->cut || now - holder->since < NW_SPOOL_PATIENCE_MS)
            continue;
        if (of_its_own ? holder->account != but->account : *holder->account < *but->account)
            continue;
        if (!found || rate(holder, now) < rate(found, now))
            found = holder;
    }
    return found;
}

static void charge(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes)
{
    holder->held += bytes;
    *holder->account += bytes;
    spool->held += bytes;
}

static void discharge(struct nw_spool *spool, struct nw_spool_holder *holder)
{
    spool->given |= holder->held > 0;
    if (spool->lifted == holder)
        spool->lifted = NULL;
    spool->held -= holder->held;
    *holder->account -= holder->held;
    holder->held = 0;
}

static void mark(struct nw_spool *spool, struct nw_spool_holder *holder)
{
    discharge(spool, holder);
    nw_list_remove(&holder->link);
    nw_list_append(&spool->marked, &holder->link);
    nw_check_valid(nw_spool, spool);
}

static bool is_over_its_part(const struct nw_spool *spool, uint64_t held, uint64_t bytes)
{
    return held && held + bytes > spool->budget / HOLDS_MOST;
}

/* What may be held in all when a function then holds `held`. */
static uint64_t most_for(const struct nw_spool *spool, uint64_t held)
{
    return held <= spool->budget / HOLDS_LITTLE ? spool->budget : spool->budget - spool->budget / FOR_LITTLE;
}

/* Whether a holder may have so much more beside the others. */
static bool fits(const struct nw_spool *spool, const struct nw_spool_holder *holder, uint64_t bytes)
{
    return !is_over_its_part(spool, *holder->account, bytes) &&
           held_in_common(spool) + bytes <= most_for(spool, *holder->account + bytes);
}

/* Whether it has the lift, or gets it now, and what it then holds is within that. */
static bool lifts(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes)
{
    if ((spool->lifted && spool->lifted != holder) || holder->held + bytes > spool->lift)
        return false;
    spool->lifted = holder;
    return true;
}

/* Marks holders until it fits, or until it may have the lift of one of them. False: nobody is left who may be blamed.
 */
static bool make_room(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now)
{
    while (!fits(spool, holder, bytes) && !lifts(spool, holder, bytes)) {
        struct nw_spool_holder *slow = slowest(spool, holder, is_over_its_part(spool, *holder->account, bytes), now);

        if (!slow)
            return false;
        mark(spool, slow);
    }
    return true;
}

static bool may_take(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now)
{
    if (spool->lifted == holder)
        return lifts(spool, holder, bytes);
    if (fits(spool, holder, bytes) || lifts(spool, holder, bytes))
        return true;
    /* Nobody is cut off for more than there can ever be. */
    return bytes <= most_for(spool, bytes) && make_room(spool, holder, bytes, now);
}

int nw_spool_take(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now)
{
    nw_check_that(bytes > 0);
    if (holder->link.next && !nw_list_empty(&holder->link) && !holder->held)
        return -ECANCELED;
    if (!may_take(spool, holder, bytes, now))
        return -EAGAIN;
    if (!holder->held) {
        nw_list_init(&holder->link);
        nw_list_append(&spool->holders, &holder->link);
        holder->since = now;
    }
    charge(spool, holder, bytes);
    nw_check_valid(nw_spool, spool);
    return 0;
}

void nw_spool_give(struct nw_spool *spool, struct nw_spool_holder *holder)
{
    if (!holder->link.next)
        return;
    discharge(spool, holder);
    nw_list_remove(&holder->link);
    nw_check_valid(nw_spool, spool);
}

bool nw_spool_has_marked(const struct nw_spool *spool)
{
    return !nw_list_empty(&spool->marked);
}

void nw_spool_bury(struct nw_spool *spool)
{
    while (!nw_list_empty(&spool->marked)) {
        struct nw_spool_holder *holder = holder_at(spool->marked.next);

        nw_list_remove(&holder->link);
        if (holder->cut) /* NULL: it got what it waited for after it was marked */
            holder->cut(holder->arg);
    }
}
