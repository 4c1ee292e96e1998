/*
 * Copies payloads that are larger than what may be copied under the monitor's lock or without looking up: in pieces,
 * without the lock.
 */
#ifndef NW_WORKER_WIRE_CARRY_H
#define NW_WORKER_WIRE_CARRY_H

#include "worker/base/span.h"
#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdbool.h>

struct nw_executor;
struct nw_slot;

#define NW_CARRY_LOCKED (4ul << 10)   /* so much may be copied under the lock */
#define NW_CARRY_BRIEF  (128ul << 10) /* ... and so much before it is looked whether the executor was kicked */

/* The monitor's lock held on entry and on return, but not meanwhile, when another executor has the token; the slot must
 * be one that is not reaped meanwhile. 0, -EFAULT, or -ECANCELED: its domain is dying. */
int nw_carry(const struct nw_slot *slot, void *to, struct nw_source from);

#endif
