/* See spool.h. */
#include "engine/spool.h"

void nw_spool_init(struct nw_spool *spool, uint64_t budget)
{
    *spool = (struct nw_spool){.budget = budget};
    nw_list_init(&spool->holders);
    nw_list_init(&spool->cut);
}

static struct nw_spool_holder *holder_at(struct nw_list *at)
{
    return nw_container(at, struct nw_spool_holder, link);
}

/* Bytes per second since it began. */
static uint64_t rate(const struct nw_spool_holder *holder, uint64_t now)
{
    return (uint64_t)*holder->moved * 1000 / (now - holder->since + 1);
}

static struct nw_spool_holder *slowest(struct nw_spool *spool, const struct nw_spool_holder *but, uint64_t now)
{
    struct nw_spool_holder *found = NULL;

    nw_list_each(&spool->holders, at, walk)
    {
        struct nw_spool_holder *holder = holder_at(at);

        if (holder == but || !holder->cut || now - holder->since < NW_SPOOL_PATIENCE_MS)
            continue;
        if (!found || rate(holder, now) < rate(found, now))
            found = holder;
    }
    return found;
}

static void mark(struct nw_spool *spool, struct nw_spool_holder *holder)
{
    spool->held -= holder->held;
    holder->held = 0;
    nw_list_remove(&holder->link);
    nw_list_append(&spool->cut, &holder->link);
}

bool nw_spool_take(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now)
{
    if (holder->link.next && !nw_list_empty(&holder->link) && !holder->held)
        return false; /* it is to be cut off itself */
    while (spool->held + bytes > spool->budget) {
        struct nw_spool_holder *slow = slowest(spool, holder, now);

        if (!slow)
            return false;
        mark(spool, slow);
    }
    if (!holder->held) {
        nw_list_init(&holder->link);
        nw_list_append(&spool->holders, &holder->link);
        holder->since = now;
    }
    holder->held += bytes;
    spool->held += bytes;
    return true;
}

void nw_spool_give(struct nw_spool *spool, struct nw_spool_holder *holder)
{
    if (!holder->link.next)
        return;
    spool->held -= holder->held;
    holder->held = 0;
    nw_list_remove(&holder->link);
}

bool nw_spool_has_cut(const struct nw_spool *spool)
{
    return !nw_list_empty(&spool->cut);
}

void nw_spool_bury(struct nw_spool *spool)
{
    while (!nw_list_empty(&spool->cut)) {
        struct nw_spool_holder *holder = holder_at(spool->cut.next);

        nw_list_remove(&holder->link);
        if (holder->cut) /* else it got through at the last moment */
            holder->cut(holder->arg);
    }
}
