/*
 * Memory for payloads that may become large. Room is asked for at the largest size that a payload may have, because
 * pages that nobody touches cost nothing; so a payload that grows is never copied. To unmap much memory takes long: it
 * is given back in pieces (chores.h).
 */
#ifndef NW_ENGINE_BASE_BULK_H
#define NW_ENGINE_BASE_BULK_H

#include "engine/base/chores.h"
#include <stddef.h>

/* Stands at the beginning of memory that is being given back. */
struct nw__returned {
    struct nw_chore chore;
    size_t size; /* what is left */
};

bool nw__returned_is_valid(const struct nw__returned *returned);

/* NULL when there is no memory. */
char *nw_bulk_new(size_t size);

/* With `chores` in pieces, in the turns of that loop; with NULL at once. `memory` may be NULL. */
void nw_bulk_free(struct nw_list *chores, char *memory, size_t size);

#endif
