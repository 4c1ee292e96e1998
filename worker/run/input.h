/* An input that is too large to be placed under the lock: the executor that takes the slot places it, piece by piece.
 */
#ifndef NW_WORKER_RUN_INPUT_H
#define NW_WORKER_RUN_INPUT_H

#include "worker/domain/executor.h"
#include "worker/domain/slot.h"
#include <stdbool.h>

/* Lock not held. Places the input of an invocation that the slot is about to run. False: a kick came in between, or the
 * input could not be placed; the executor takes another slot. */
bool nw__input_place(struct nw_executor *ex, struct nw_slot *slot);

#endif
