/* Which shared object a function of nightcore is in: its configuration names none. */
#ifndef NW_DEPLOY_IMPORT_LIBRARY_H
#define NW_DEPLOY_IMPORT_LIBRARY_H

#include "deploy/import/func_config.h"
#include <stddef.h>

/*
 * Finds it in `dir`: the file that its key "so" names; else NAME.so or libNAME.so, in any case of letters, if there is
 * one such file alone, or one alone that has NAME as it is. `path` has room for PATH_MAX bytes. 0; or negative errno
 * with a message for people.
 */
int nw__library_find(const struct nw_func *func, const char *dir, char *path, char *why, size_t why_size);

#endif
