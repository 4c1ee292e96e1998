/* The public HTTP interface: functions, health, readiness. */
#ifndef NW_ENGINE_GATEWAY_GATEWAY_H
#define NW_ENGINE_GATEWAY_GATEWAY_H

struct nw_engine;

/* Makes engine->gateway and listens on the addresses of the options. Ends the process with a message when it cannot. */
void nw_gateway_start(struct nw_engine *engine);

/* The same on sockets that listen already, one for each address; for other threads. */
void nw_gateway_serve(struct nw_engine *engine, const int *sockets);

#endif
