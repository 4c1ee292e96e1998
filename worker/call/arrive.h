/* What the engine sends reaches functions and callers. Lock held. */
#ifndef NW_WORKER_CALL_ARRIVE_H
#define NW_WORKER_CALL_ARRIVE_H

#include <stdbool.h>

bool nw_ring_poll(void); /* looks at all rings; false: nothing came */

#endif
