/* What the access log says of a request. */
#ifndef NW_ENGINE_GATEWAY_ACCESS_H
#define NW_ENGINE_GATEWAY_ACCESS_H

struct nw_engine;

/* From now on each request of the gateway becomes a line of engine->access, which is opened. Ends the process when that
 * cannot be done. */
void nw__access_start(struct nw_engine *engine);

#endif
