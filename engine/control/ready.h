/* Whether the host is ready: all that was deployed when it started can be invoked. */
#ifndef NW_ENGINE_CONTROL_READY_H
#define NW_ENGINE_CONTROL_READY_H

struct nw_controller;

/* Why it is not: a worker is not up, a function not loaded, the state directory gone. NULL when it is. */
const char *nw__unready(const struct nw_controller *controller);

#endif
