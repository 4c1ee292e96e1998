/*
 * A copy of memory that may be large and is made in pieces (chores.h). Both places stay as they are until it is done or
 * stopped.
 */
#ifndef NW_ENGINE_BASE_CARRY_H
#define NW_ENGINE_BASE_CARRY_H

#include "engine/base/chores.h"
#include <stddef.h>

/* Bytes that one step copies. The kernel may have to zero fresh memory for them, too. */
#define NW_CARRY_PIECE 65536

struct nw_carry {
    struct nw_chore chore;
    char *to;
    const char *from;
    size_t left;
    void (*done)(struct nw_carry *carry);
};

/* Once it is started: what waits for a turn has something to copy. */
bool nw_carry_is_valid(const struct nw_carry *carry);

/* The caller has set everything but `chore`. A copy of one piece is done before this returns. */
void nw_carry_start(struct nw_list *chores, struct nw_carry *carry);
void nw_carry_stop(struct nw_carry *carry);

#endif
