/* Damaged files are kept for people to look at, under a name that nothing reads. */
#ifndef NW_ENGINE_STORE_JOURNAL_SET_ASIDE_H
#define NW_ENGINE_STORE_JOURNAL_SET_ASIDE_H

#include <stddef.h>

/* Renames `name` in a directory to NAME.damaged, or with a number behind it when there is one; `as` gets the new name.
 * 0 or negative errno. */
int nw_set_aside(int directory, const char *name, char *as, size_t as_size);

/* The same, and it has its own name, too, until another file takes that. */
int nw_set_aside_keep(int directory, const char *name, char *as, size_t as_size);

/* Whether such a file of `name` is there; `as` gets the name of the first. */
int nw_set_aside_find(int directory, const char *name, char *as, size_t as_size);

#endif
