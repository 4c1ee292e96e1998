/* The end of a domain. Lock held. */
#ifndef NW_WORKER_CALL_DEATH_H
#define NW_WORKER_CALL_DEATH_H

#include "common/base/status.h"

struct nw_domain;
struct nw_slot;

void nw_domain_kill(struct nw_domain *domain, enum nw_status status, const char *reason);
void nw_domain_exit(struct nw_domain *domain); /* its func workers have ended: its first flow ends the program */
void nw_slot_reap(struct nw_slot *slot);       /* a slot of a dying domain that belongs to nobody any more */
void nw_dying_sweep(void);                     /* reaps func workers that were given back to dying domains */

#endif
