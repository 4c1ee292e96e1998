/* What the engine sends reaches functions and callers. Lock held. */
#ifndef NW_WORKER_CALL_ARRIVE_H
#define NW_WORKER_CALL_ARRIVE_H

#include "worker/domain/slot.h"
#include <stdbool.h>

bool nw_ring_poll(void);                                /* looks at all rings; false: nothing came */
void nw_reply_carried(struct nw_slot *slot, int error); /* the freight of a caller is there, or cannot be */

#endif
