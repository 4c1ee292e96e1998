/* Making domains: record, address range, files, shares. */
#ifndef NW_WORKER_LIFE_MAKE_H
#define NW_WORKER_LIFE_MAKE_H

#include "worker/base/limits.h"

struct nw_domain;
struct nw_deployed;

/* On the control thread. Lock held on entry and on return, but not meanwhile. NULL: an error and why, for people. */
struct nw_domain *nw_domain_new(struct nw_deployed *function, int *error, char why[NW_REASON_MAX]);

#endif
