/* Whether the host is ready to serve what was deployed before it started. */
#ifndef NW_ENGINE_CONTROL_READY_H
#define NW_ENGINE_CONTROL_READY_H

#include <stdbool.h>

struct nw_controller;

/* Whether the start is over: each worker is up or cannot be started, all that was deployed before can be invoked, is
 * loaded by its first call or has failed, and the state directory is there. */
bool nw__settled(const struct nw_controller *controller);

/* Why the host is not ready, for people. NULL when it is. */
const char *nw__unready(const struct nw_controller *controller);

#endif
