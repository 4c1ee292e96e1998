/* Calls of a function by another one in a different worker. Not responsible for finding the callee a worker
 * (dispatch.c). */
#ifndef NW_ENGINE_DISPATCH_NESTED_H
#define NW_ENGINE_DISPATCH_NESTED_H

#include "common/shm/channel.h"

struct nw_engine;
struct nw_link;

/* A CALL from a ring: NULL, or what is wrong with it. */
const char *nw__nested_call(struct nw_link *link, const struct nw_desc *desc);

/* There may be room for replies that wait. */
void nw__nested_retry(struct nw_link *link);

/* Cancels calls that were made for invocations that nobody wants any more. */
void nw_nested_cancel(struct nw_engine *engine);

/* The worker that called is lost. */
void nw_nested_link_lost(struct nw_link *link);

#endif
