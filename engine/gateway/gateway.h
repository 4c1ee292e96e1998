/* The public HTTP interface: functions, health, readiness. */
#ifndef NW_ENGINE_GATEWAY_GATEWAY_H
#define NW_ENGINE_GATEWAY_GATEWAY_H

struct nw_engine;

/* In the main thread: makes sockets for all threads, on the addresses of the options, and serves on its own. These
 * addresses, one per line, for free(). `held`: the sockets of an engine before it, as nw_gateway_socket told them
 * there, which are used instead; none: 0. Ends the process with a message when it cannot. */
char *nw_gateway_start(struct nw_engine *engine, const int *held, unsigned n_held);

/* Each of the listening sockets of all threads in turn; -1 behind the last. */
int nw_gateway_socket(const struct nw_engine *engine, unsigned i);

/* Makes engine->gateway, which serves nobody yet. */
void nw_gateway_open(struct nw_engine *engine);

/* ... and from now on who connects to the sockets of this thread; the main one is 0. */
void nw_gateway_serve(struct nw_engine *engine, unsigned thread);

#endif
