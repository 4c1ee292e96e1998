/*
 * For which request an invocation was made: what workers say of an invocation comes by another way than its answer, and
 * often when that is over. The last few thousand are known. Each thread of the engine notes those that it sends; the
 * main one asks.
 */
#ifndef NW_ENGINE_LOGS_ORIGIN_H
#define NW_ENGINE_LOGS_ORIGIN_H

#include "engine/logs/line.h"
#include <stdint.h>

struct nw_origins;

/* For so many threads. NULL when memory is out. */
struct nw_origins *nw_origins_new(unsigned threads);
void nw_origins_free(struct nw_origins *origins);

/* Those of one of the threads, from the first one's. */
struct nw_origins *nw_origins_of(struct nw_origins *first, unsigned thread);

/* By the thread whose they are: the invocation of this id, which goes to this worker, is made for a request. */
void nw_origin_note(struct nw_origins *origins, uint64_t invocation, uint32_t worker, const char *request);

/* By any thread: the id of the request; "" when that is not known any more, or another worker had the invocation than
 * this one, which speaks of it: ids are easily guessed. */
void nw_origin_find(const struct nw_origins *origins, uint64_t invocation, uint32_t worker,
                    char request[NW_LOG_REQUEST]);

#endif
