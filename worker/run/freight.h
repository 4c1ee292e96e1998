/* Payloads that are too large to be copied under the lock: the executor that takes the slot carries them, piece by
 * piece. */
#ifndef NW_WORKER_RUN_FREIGHT_H
#define NW_WORKER_RUN_FREIGHT_H

#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdbool.h>

/* Lock not held. Carries the freight of the slot, if it has any. False: the slot does not run now, for a kick came in
 * between, it was all that was to be done, or it could not be done; the executor takes another slot. */
bool nw__freight_carry(struct nw_executor *ex, struct nw_slot *slot);

#endif
