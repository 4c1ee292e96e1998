/* What the relative paths of a domain begin at: a path, "/" or one that lies in a granted directory. It is a path and
 * no file: a directory that is moved or removed is not found any more. */
#ifndef NW_WORKER_PATH_CWD_H
#define NW_WORKER_PATH_CWD_H

#include "worker/domain/domain.h"
#include "worker/domain/function.h"
#include <limits.h>

struct nw_domain;
struct nw_function;

/* Where the function's domains begin, once its directories are known. 0; -ENOENT: there is no such directory; -ENOMEM.
 * Its memory is the function's. */
int nw_cwd_init(struct nw_function *function, const char *cwd);

/* Puts the working directory in front of a relative path: 0 or -ENAMETOOLONG. Takes domain.memory_lock. */
int nw_cwd_join(struct nw_domain *domain, char path[PATH_MAX]);

#endif
