/* The public HTTP interface: functions, health, readiness. */
#ifndef NW_ENGINE_GATEWAY_H
#define NW_ENGINE_GATEWAY_H

#include "engine/engine.h"

/* Makes engine->gateway and listens on the addresses of the options. Ends the process with a message when it cannot. */
void nw_gateway_start(struct nw_engine *engine);

#endif
