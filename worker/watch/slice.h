/*
 * How long a slot runs while others wait (tick/quantum.h is what stops it). Lock held.
 *
 * An executor that runs what is known to take long is kicked each quantum. The quantum is short as long as brief ones
 * are found waiting when it ends, and grows while none is: then it only bounds how late one is seen that comes.
 */
#ifndef NW_WORKER_WATCH_SLICE_H
#define NW_WORKER_WATCH_SLICE_H

#include <stdbool.h>
#include <stdint.h>

struct nw_executor;
struct nw_slot;

/* Once. For tests: every slot makes way after so many us, whoever waits; 1: at times that nobody can tell; 0: no. */
void nw_slice_init(uint32_t always);

void nw_slice_begin(struct nw_executor *ex, const struct nw_slot *slot); /* it is about to run it */
void nw_slice_end(struct nw_executor *ex);                               /* it is done with what it took last */

/* The executor was kicked while it ran the slot. False: the slot makes way. */
bool nw_slice_goes_on(struct nw_executor *ex, struct nw_slot *slot);

/* The slot makes way before it has to: what it has run counts. */
void nw_slice_yield(const struct nw_executor *ex, struct nw_slot *slot);

/* The executor has run one slot for so long that its function counts as long. False: there is no timer for it. */
bool nw__slice_is_long(struct nw_executor *ex);

#endif
