/* Listening sockets, made with clear messages when they cannot be. */
#ifndef NW_ENGINE_HTTP_LISTEN_H
#define NW_ENGINE_HTTP_LISTEN_H

#include "common/base/buffer.h"

enum nw_listen_how {
    NW_LISTEN_ALONE, /* no other socket has the port */
    NW_LISTEN_FIRST, /* the first of several sockets that share a port, which must be free */
    NW_LISTEN_AGAIN, /* another one of these */
};

/* A listening socket on "ADDR:PORT" or "[ADDR]:PORT"; port 0 takes a free one. Appends the address that it got and a
 * newline to `addresses`. Ends the process with status 2 or 111 when it cannot. */
int nw_listen_tcp(const char *address, enum nw_listen_how how, struct nw_buffer *addresses);

/* A listening socket that was made so for the same address by an earlier process. Appends its address as above; ends
 * the process with status 2 when it is none. */
void nw_listen_adopt(int fd, const char *address, struct nw_buffer *addresses);

/* A listening Unix socket at `path`, for its owner only; what lies there is replaced. Ends the process with status 111
 * when it cannot. */
int nw_listen_unix(const char *path);

#endif
