/*
 * Long work in small steps, on a thread that also has sockets and rings to serve: each turn of its loop makes a few
 * steps of the chores that are under way, first come first served, and goes on.
 */
#ifndef NW_ENGINE_BASE_CHORES_H
#define NW_ENGINE_BASE_CHORES_H

#include "engine/base/list.h"
#include <stdint.h>

/* A turn begins no step once it has worked on chores for so long; a single step should not take longer, so that
 * everybody else on the thread waits for 100 us at most. */
#define NW_CHORES_NS 50000

struct nw_chore {
    struct nw_list link;                  /* zero when it was never started */
    bool (*step)(struct nw_chore *chore); /* false: nothing is left, and the chore may be gone */
};

bool nw_chore_is_valid(const struct nw_chore *chore);

/* Adds a chore to those of a loop. */
void nw_chore_start(struct nw_list *chores, struct nw_chore *chore);

/* Makes no further step of it. It need not be under way. */
void nw_chore_stop(struct nw_chore *chore);

/* A turn of the loop. */
void nw_chores_work(struct nw_list *chores);

#endif
