/*
 * A copy from one place to another that may be large and is made in pieces (chores.h). Both places stay until it is
 * done or stopped.
 */
#ifndef NW_ENGINE_BASE_CARRY_H
#define NW_ENGINE_BASE_CARRY_H

#include "engine/base/chores.h"
#include <stddef.h>

/* What is copied at a time: fresh memory may have to be zeroed for it, too. */
#define NW_CARRY_PIECE 65536

struct nw_carry {
    struct nw_chore chore;
    char *to;
    const char *from;
    size_t left;
    void (*done)(struct nw_carry *carry);
};

/* All but `chore` is set. What is no more than a piece is done at once. */
void nw_carry_start(struct nw_list *chores, struct nw_carry *carry);
void nw_carry_stop(struct nw_carry *carry);

#endif
