/* Reads memory of a domain in which nothing runs, on a thread that is no executor. The kernel copies it, so that memory
 * that cannot be read is an error and no fault. */
#ifndef NW_WORKER_SNAPSHOT_PEEK_H
#define NW_WORKER_SNAPSHOT_PEEK_H

#include <stdint.h>

#define NW_PEEK_MOST (64ul << 10)

int nw__peek_init(void); /* 0 or negative errno */

/* A copy of at most NW_PEEK_MOST bytes, valid until the next call; NULL: not all can be read. Only one thread may call
 * this. */
const uint8_t *nw__peek(uint64_t at, uint64_t size);

#endif
