/*
 * The account of the engine's own memory for payloads whose clients are slow: request bodies that arrive slowly,
 * answers that are read slowly. They lie there so that they take no room in a worker's arena, which every function of a
 * tenant needs. The rules:
 *   - All that is held has a budget. A function may hold half of it, and the last quarter is for functions that hold
 *     little.
 *   - When a function has its half, the slowest of its own clients is cut off. When the budget is used up, it is the
 *     slowest client of those functions that hold at least as much as the one that needs more.
 *   - Holders that each have a part of what they need, and wait for the rest, would wait for one another for ever. So a
 *     part as large as the largest payload, the lift, is kept for one of them at a time: whoever finds no other memory
 *     while nobody has the lift gets it, keeps it until it holds nothing any more, and never waits.
 *     docs/decisions/payload-memory.md says why that is enough.
 *
 * A holder that is to be cut off is only marked; nw_spool_bury tells it, when nobody is in the middle of anything. For
 * one thread.
 */
#ifndef NW_ENGINE_BASE_SPOOL_H
#define NW_ENGINE_BASE_SPOOL_H

#include "engine/base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_SPOOL_PATIENCE_MS 1000 /* nobody is cut off who has held memory for less than this */

struct nw_spool {
    struct nw_list holders;
    struct nw_list marked; /* holders that are to be cut off */
    uint64_t held;
    uint64_t budget; /* for all but the one that has the lift */
    uint64_t lift;
    struct nw_spool_holder *lifted; /* NULL: nobody has it */
    bool given;                     /* something was given back since the owner cleared this */
};

/* Part of what holds memory; all zero before it does for the first time. */
struct nw_spool_holder {
    struct nw_list link;
    uint64_t held;
    uint64_t *account;   /* bytes that its function holds */
    uint64_t since;      /* ms: when it began to hold memory */
    const size_t *moved; /* bytes that came from its client, or went to it */
    /* Tells the holder to give up its client, and its memory now or soon. NULL: it waits for no client. */
    void (*cut)(void *arg);
    void *arg;
};

bool nw_spool_is_valid(const struct nw_spool *spool);

/* `lift`: the part of the budget that is the largest payload. */
void nw_spool_init(struct nw_spool *spool, uint64_t budget, uint64_t lift);

/*
 * Charges `bytes` (not 0) more to a holder, whose account, moved, cut and arg are set. 0; -EAGAIN: its function's part,
 * or the budget, is in use, and nobody can be cut off for it; -ECANCELED: the holder itself is to be cut off.
 */
int nw_spool_take(struct nw_spool *spool, struct nw_spool_holder *holder, uint64_t bytes, uint64_t now);

/* It holds nothing any more. It need not hold anything. */
void nw_spool_give(struct nw_spool *spool, struct nw_spool_holder *holder);

/* Whether holders are marked; and tells them. */
bool nw_spool_has_marked(const struct nw_spool *spool);
void nw_spool_bury(struct nw_spool *spool);

#endif
