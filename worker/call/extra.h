/* Func workers beyond the first of a domain: one for each slot, and those that nested calls may need. Lock held. */
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

/* At every look of the watch: those beyond the slots end. */
void nw_extra_end_idle(struct nw_domain *domain, uint64_t now);

#endif
