/* Making domains: record, address range, files, shares. */
#ifndef NW_WORKER_LIFE_MAKE_H
#define NW_WORKER_LIFE_MAKE_H

#include "worker/base/limits.h"
#include <stdint.h>

struct nw_domain;
struct nw_deployed;

/* On the control thread. Lock held on entry and on return, but not all the time between. `at`: where its range must lie
 * to be made from a snapshot, or 0; domain.restores says whether it does, else the domain is loaded from the file.
 * NULL: *error, and why for people. */
struct nw_domain *nw_domain_new(struct nw_deployed *function, uint64_t at, int *error, char why[NW_REASON_MAX]);

#endif
