/* Whether this kernel has what the io_uring backend needs, and the ring with as much of the rest as it has. */
#ifndef NW_ENGINE_IO_URING_PROBE_H
#define NW_ENGINE_IO_URING_PROBE_H

#include <liburing.h>

/* Makes the ring: 0, or negative errno with `why` for people. */
int nw__uring_open(struct io_uring *ring, char *why, size_t size);

#endif
