/*
 * How long whoever asked for an invocation waits for it: a client that said so (X-Timeout), and what its function calls
 * for it. Then it is answered, wherever it is, and given up as if the client had gone. A function is not to blame for
 * that: its own deadline is the worker's.
 */
#ifndef NW_ENGINE_DISPATCH_EXPIRE_H
#define NW_ENGINE_DISPATCH_EXPIRE_H

#include <stdint.h>

struct nw_engine;
struct nw_invocation;
struct nw_wheel_timer;

/* Whoever asked waits so long from now (not 0). */
void nw_expire_after(struct nw_invocation *inv, uint64_t ms);

/* A nested call waits no longer than the invocation that it is made for, which may be NULL. */
void nw__expire_with(struct nw_invocation *inv, const struct nw_invocation *parent);

/* engine->invocation_due: answers an invocation whose time, or whose deadline, is over. */
void nw_expire_due(struct nw_wheel_timer *timer);

#endif
