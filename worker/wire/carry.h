/*
 * Copies payloads. What is larger than what may be copied under the monitor's lock is copied without it, by the
 * executor that runs the slot; what would keep that for long, or whose slot no executor runs, waits until one takes the
 * slot.
 */
#ifndef NW_WORKER_WIRE_CARRY_H
#define NW_WORKER_WIRE_CARRY_H

#include "worker/domain/slot.h"

#define NW_CARRY_LOCKED (4ul << 10)   /* so much may be copied under the lock */
#define NW_CARRY_BRIEF  (128ul << 10) /* ... and so much before it is looked whether the executor was kicked */

/*
 * The monitor's lock held on entry and on return, but maybe not meanwhile. 0; -EFAULT; -ECANCELED: the slot's domain is
 * dying; or -EINPROGRESS: the slot is ready, and its freight will be carried before anything else becomes of it.
 */
int nw_carry(struct nw_slot *slot, const struct nw_freight *freight);

#endif
