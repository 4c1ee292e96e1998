/* The choice of choice.h. */
#include "engine/io/choice/choice.h"
#include "engine/io/uring/uring.h"
#include "engine/io/uv/uv.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct nw_io *nw_io_new(enum nw_io_kind kind, char *why, size_t size)
{
    *why = '\0';
    struct nw_io *io = kind == NW_IO_UV ? NULL : nw_uring_new(why, size);
    if (io || kind == NW_IO_URING)
        return io;
    io = nw_uv_new();
    if (!io)
        snprintf(why, size, "cannot make a loop of libuv: %s", strerror(errno));
    return io;
}
