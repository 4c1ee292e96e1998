/*
 * Memory for payloads that may be large. What is not touched of it costs nothing, so that nobody who does not know how
 * large a payload becomes need copy it; and it is given back in pieces (chores.h).
 */
#ifndef NW_ENGINE_BASE_BULK_H
#define NW_ENGINE_BASE_BULK_H

#include "engine/base/list.h"
#include <stddef.h>

/* NULL: there is none. */
char *nw_bulk_new(size_t size);

/* `chores` NULL: nobody is kept waiting, all of it goes at once. Good for NULL. */
void nw_bulk_free(struct nw_list *chores, char *memory, size_t size);

#endif
