/* The backend of io.h on libuv. */
#ifndef NW_ENGINE_IO_UV_UV_H
#define NW_ENGINE_IO_UV_UV_H

#include "engine/io/io.h"

/* NULL with errno set on failure. */
struct nw_io *nw_uv_new(void);

#endif
