/*
 * The engine's own memory for payloads whose clients are slow: bodies that arrive bit by bit, answers that are not
 * read. They lie here, so that they hold no room in a worker's arena, which every function of a tenant needs. All of it
 * together has a budget, of which a function may hold half, and the last quarter is for those that hold little.
 * When a function's part is used up the slowest of its own clients is cut off; when all is, the slowest of those
 * functions that hold at least as much as who needs more.
 * Those that all hold a part of what they need, and wait for the rest, would wait for one another: the first of them
 * goes on beyond its function's part.
 *
 * Who is cut off is only marked, and told in nw_spool_bury, where nobody is in the middle of anything. One thread.
 */
#ifndef NW_ENGINE_BASE_SPOOL_H
#define NW_ENGINE_BASE_SPOOL_H

#include "engine/base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_SPOOL_PATIENCE_MS 1000 /* nobody is cut off who came later than that */

struct nw_spool {
    struct nw_list holders;
    struct nw_list cut; /* marked */
    uint64_t held, budget;
    bool given; /* something was given back since this was cleared */
};

/* Part of whoever holds memory; zero when it holds none. */
struct nw_spool_holder {
    struct nw_list link;
    uint64_t held;
    uint64_t *account;      /* bytes that its function holds */
    uint64_t since;         /* ms: when it took its first */
    const size_t *moved;    /* bytes that came from its client, or went to it */
    void (*cut)(void *arg); /* its client is to be given up; it gives its memory back then or soon */
    void *arg;
};

bool nw_spool_is_valid(const struct nw_spool *spool);

void nw_spool_init(struct nw_spool *spool, uint64_t budget);

/*
 * Charges `bytes` more to a holder, whose account, moved, cut and arg are set; without `cut` it waits for no client. 0;
 * -EAGAIN: its function's part, or all, is in use, and nobody can be blamed for it; -ECANCELED: it is to be cut off
 * itself.
 */
int nw_spool_take(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now);

/* It holds nothing any more; good for one that never did. */
void nw_spool_give(struct nw_spool *spool, struct nw_spool_holder *holder);

bool nw_spool_has_cut(const struct nw_spool *spool);
void nw_spool_bury(struct nw_spool *spool);

#endif
