/*
 * The text of a path, as far as it can be known from text alone. Above the directories that a function was granted
 * there are no files for it, only the directories that lead there, which have no links: what "." and ".." mean there is
 * decided here. Below a granted directory the kernel decides.
 */
#ifndef NW_WORKER_PATH_PATH_H
#define NW_WORKER_PATH_PATH_H

#include "worker/domain/deployed.h"
#include <limits.h>
#include <stdbool.h>

struct nw_deployed;

/* Spells an absolute path without doubled slashes and ".", and without ".." where it begins above the granted
 * directories or at one. A slash at its end stays. In place. */
void nw__path_tidy(const struct nw_deployed *function, char path[PATH_MAX]);

/* The granted directory that a tidy path lies in, the deepest; NULL: in none. */
const struct nw_directory *nw__path_granted(const struct nw_deployed *function, const char *path);

/* Whether a tidy path is "/" or leads to a granted directory that it does not lie in. */
bool nw__path_is_above(const struct nw_deployed *function, const char *path);

#endif
