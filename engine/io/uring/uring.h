/* The backend of io.h on io_uring. */
#ifndef NW_ENGINE_IO_URING_URING_H
#define NW_ENGINE_IO_URING_URING_H

#include "engine/io/io.h"

/* NULL on failure, with `why` for people. */
struct nw_io *nw_uring_new(char *why, size_t size);

#endif
