/* Whether the host is ready: all that was deployed when it started can be invoked. */
#ifndef NW_ENGINE_CONTROL_READY_H
#define NW_ENGINE_CONTROL_READY_H

#include <stdbool.h>

struct nw_controller;

/* Whether everything that was deployed when it started can be invoked, or failed: nothing is on its way any more. */
bool nw__settled(const struct nw_controller *controller);

/* Why it is not: a worker is not up, a function not loaded, the state directory gone. NULL when it is. */
const char *nw__unready(const struct nw_controller *controller);

#endif
