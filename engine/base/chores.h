/*
 * Long work on a thread that serves others, in pieces: each turn of the loop takes a few steps of those that are under
 * way, one after the other, and goes back to sockets and rings.
 */
#ifndef NW_ENGINE_BASE_CHORES_H
#define NW_ENGINE_BASE_CHORES_H

#include "engine/base/list.h"
#include <stdint.h>

/* How long a turn works on them; a single step should take no longer. */
#define NW_CHORES_NS 50000

struct nw_chore {
    struct nw_list link;                  /* zero when it was never started */
    bool (*step)(struct nw_chore *chore); /* false: nothing is left, and the chore may be gone */
};

/* Adds one to those of a loop. */
void nw_chore_start(struct nw_list *chores, struct nw_chore *chore);

/* No step of it comes any more; good for one that is not under way. */
void nw_chore_stop(struct nw_chore *chore);

void nw_chores_work(struct nw_list *chores);

#endif
