/* Damaged files are kept for people to look at, under a name that nothing reads. */
#ifndef NW_ENGINE_STORE_DATABASE_SET_ASIDE_H
#define NW_ENGINE_STORE_DATABASE_SET_ASIDE_H

#include <stddef.h>

/* Renames `name` in a directory to NAME.damaged or, if that is taken, NAME.damaged.2 and so on; `as` gets the new name.
 * 0 or negative errno. */
int nw_set_aside(int directory, const char *name, char *as, size_t as_size);

/* The same, but where the file system has hard links it keeps its own name as well, until another file takes that. */
int nw__set_aside_keep(int directory, const char *name, char *as, size_t as_size);

/* Looks for NAME.damaged, whose name `as` gets: 0 when it is there, else negative errno. */
int nw_set_aside_find(int directory, const char *name, char *as, size_t as_size);

#endif
