/* See spool.h. */
#include "engine/base/spool.h"
#include "common/base/valid.h"
#include "common/manifest/resources.h"
#include <errno.h>

/* Parts of the budget: one in so many. */
#define HOLDS_MOST   (NW_ROOM_PAYLOAD_MEMORY / NW_LIMIT_PAYLOAD_MEMORY) /* what a function may hold, if not just one */
#define HOLDS_LITTLE (NW_ROOM_PAYLOAD_MEMORY / NW_SHARE_PAYLOAD_MEMORY) /* what one holds that holds little ... */
#define FOR_LITTLE   4                                                  /* ... and what is kept for those */

void nw_spool_init(struct nw_spool *spool, uint64_t budget)
{
    *spool = (struct nw_spool){.budget = budget};
    nw_list_init(&spool->holders);
    nw_list_init(&spool->marked);
}

static struct nw_spool_holder *holder_at(struct nw_list *at)
{
    return nw_container(at, struct nw_spool_holder, link);
}

/* What all hold together is counted in `held` and within the budget; who is to be cut off holds nothing any more. */
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
    return held == spool->held && held <= spool->budget;
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

/* Whether all holders of its function wait for more memory, and it is the first of them. Otherwise one of them goes on
 * without more memory, or can be cut off before long. */
static bool is_first_of_waiting(const struct nw_spool *spool, const struct nw_spool_holder *holder)
{
    const struct nw_spool_holder *first = NULL;

    nw_list_each(&spool->holders, at, walk)
    {
        const struct nw_spool_holder *other = holder_at(at);

        if (other->account != holder->account)
            continue;
        if (other->cut && other != holder)
            return false;
        first = first ? first : other;
    }
    return first == holder;
}

int nw_spool_take(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now)
{
    bool its_own;

    nw_check_that(bytes > 0);
    if (holder->link.next && !nw_list_empty(&holder->link) && !holder->held)
        return -ECANCELED;
    if (bytes > most_for(spool, bytes))
        return -EAGAIN; /* there is never so much: nobody is cut off for it */
    while ((its_own = is_over_its_part(spool, *holder->account, bytes)) ||
           spool->held + bytes > most_for(spool, *holder->account + bytes)) {
        struct nw_spool_holder *slow = slowest(spool, holder, its_own, now);

        if (!slow && spool->held + bytes <= most_for(spool, *holder->account + bytes) &&
            is_first_of_waiting(spool, holder))
            break;
        if (!slow)
            return -EAGAIN;
        mark(spool, slow);
    }
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
