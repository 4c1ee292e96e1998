/* Making domains: record, address range, files, shares. */
#ifndef NW_WORKER_LIFE_MAKE_H
#define NW_WORKER_LIFE_MAKE_H

#include "worker/base/limits.h"

struct nw_domain;
struct nw_deployed;

/* On the control thread. Lock held on entry and on return, but not all the time between. It lies where its function's
 * range is, unless something else of the process does; domain.restores says whether it is to be made from a snapshot,
 * else it is loaded from the file. NULL: *error, and why for people. */
struct nw_domain *nw_domain_new(struct nw_deployed *function, int *error, char why[NW_REASON_MAX]);

#endif
