/* Func workers beyond the first of a domain: as many as its slots need, and those that nested calls may. Lock held. */
#ifndef NW_WORKER_CALL_EXTRA_H
#define NW_WORKER_CALL_EXTRA_H

#include <stdbool.h>
#include <stdint.h>

struct nw_domain;
struct nw_slot;

bool nw__extra_possible(const struct nw_domain *domain);

/* Unless one is on its way. `nested`: a call waits for which there may be one beyond the slots. */
void nw__extra_make(struct nw_domain *domain, bool nested);

/* Whether the memory that is left has room for the stack of one for each slot. */
bool nw_extra_fits(struct nw_domain *domain);

/* The first of a domain, or the one that was on its way, is made; `grower` waits to be asked for the next. */
void nw_extra_made(struct nw_domain *domain, struct nw_slot *grower, bool failed);

/* Whether an invocation waits, maybe, until one that could not be made is tried again. */
bool nw_extra_awaited(const struct nw_domain *domain);

/* The time for that has come: its function is to be fed. */
bool nw_extra_retry_due(const struct nw_domain *domain, uint64_t now);

/* At every look of the watch: the demand is measured, and those that it does not need end after a while. `waiting`:
 * what is first in the queue, as nw_deployed_first gives it. */
void nw_extra_look(struct nw_domain *domain, uint64_t waiting, uint64_t now);

/* Whether there are some that may be ended if nothing runs any more. */
bool nw_extra_idle(const struct nw_domain *domain);

#endif
