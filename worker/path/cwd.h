/* What the relative paths of a domain begin at: a path, "/" or one that lies in a granted directory. It is a path and
 * no file: a directory that is moved or removed is not found any more. */
#ifndef NW_WORKER_PATH_CWD_H
#define NW_WORKER_PATH_CWD_H

#include <limits.h>

struct nw_directory;
struct nw_domain;
struct nw_deployed;

/* Where the function's domains begin, once its directories are known. 0; -ENOENT: there is no such directory; -ENOMEM.
 * Its memory is the function's. */
int nw_cwd_init(struct nw_deployed *function, const char *cwd);

/* Puts the working directory in front of a relative path: 0 or -ENAMETOOLONG. Takes the lock of the files. */
int nw__cwd_join(struct nw_domain *domain, char path[PATH_MAX]);

/* What it is now. Takes that lock, as all that follow. */
void nw_cwd_get(struct nw_domain *domain, char path[PATH_MAX]);

/* Sets it: to a path whose links are resolved, or to an open directory, which lies in a granted one. 0
 * or negative errno. */
int nw_cwd_enter(struct nw_domain *domain, const char path[PATH_MAX]);
int nw_cwd_enter_granted(struct nw_domain *domain, const struct nw_directory *granted, int fd);

#endif
