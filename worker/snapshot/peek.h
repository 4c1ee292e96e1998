/* Looks at memory of a domain in which nothing runs, on a thread that is no executor: the kernel copies it, so that
 * what cannot be read is an error. */
#ifndef NW_WORKER_SNAPSHOT_PEEK_H
#define NW_WORKER_SNAPSHOT_PEEK_H

#include <stdint.h>

#define NW_PEEK_MOST (64ul << 10)

int nw__peek_init(void); /* 0 or negative errno */

/* The bytes, until the next call; NULL: not all can be read. One thread. */
const uint8_t *nw__peek(uint64_t at, uint64_t size);

#endif
