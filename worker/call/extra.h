/* Func workers beyond the slots of a function, which nested calls may need. Lock held. */
#ifndef NW_WORKER_CALL_EXTRA_H
#define NW_WORKER_CALL_EXTRA_H

#include <stdbool.h>
#include <stdint.h>

struct nw_domain;

bool nw__extra_possible(const struct nw_domain *domain);
void nw__extra_make(struct nw_domain *domain);                  /* unless one is on its way */
void nw_extra_end_idle(struct nw_domain *domain, uint64_t now); /* at every look of the watch */

#endif
