/* Making domains: record, address range, files, shares. */
#ifndef NW_WORKER_LIFE_MAKE_H
#define NW_WORKER_LIFE_MAKE_H

#include "worker/base/limits.h"
#include <stdint.h>

struct nw_domain;
struct nw_deployed;

/* On the control thread. Lock held on entry and on return, but not meanwhile. `at`: where its range is wanted, so that
 * it can be made from a snapshot; 0, or when something else lies there: it is loaded, anywhere. NULL: an error and why,
 * for people. */
struct nw_domain *nw_domain_new(struct nw_deployed *function, uint64_t at, int *error, char why[NW_REASON_MAX]);

#endif
