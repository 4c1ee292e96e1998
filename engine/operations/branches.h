/*
 * Versions of a function that have requests beside the one that is current: by a part of those for its name, or for an
 * alias, NAME@ALIAS. Each is a branch, a function of its own (serve/function.h), and the routes lead there
 * (route/route.h). Not responsible for loading them or for the registry (sharing.c).
 */
#ifndef NW_ENGINE_OPERATIONS_BRANCHES_H
#define NW_ENGINE_OPERATIONS_BRANCHES_H

#include "common/manifest/manifest.h"
#include <stdbool.h>
#include <stdint.h>

struct nw_function;
struct nw_operations;

/* The name of a branch. False: it is too long to be one. */
bool nw__branch_name(const struct nw_function *function, uint32_t version, char name[NW_NAME_MAX + 1]);

/* The branch of a function for a version, if that serves; else NULL. */
struct nw_function *nw__branch_find(const struct nw_function *function, uint32_t version);

/* Whether the routes of a function need a branch for a version. */
bool nw__branch_is_wanted(const struct nw_function *function, uint32_t version);

/* Acts on new routes, whose branches are there: requests go by them from now on, on all threads and in all workers, and
 * branches that have none any more end. Takes over the text; NULL: there are no routes. */
void nw__branches_apply(struct nw_operations *all, struct nw_function *function, char *routes);

#endif
