/* What all backends use, see backend.h. */
#include "engine/io/backend.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

void nw_io_set_up_socket(int fd)
{
    int on = 1; /* fails on Unix sockets, which have no delay to switch off */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void nw_io_pending_set(struct nw_io_pending *pending, const struct iovec *iov, int n)
{
    memcpy(pending->iov, iov, (size_t)n * sizeof *iov);
    pending->first = 0;
    pending->n = n;
}

void nw_io_pending_sent(struct nw_io_pending *pending, size_t bytes)
{
    struct iovec *iov = pending->iov + pending->first;
    while (pending->n && bytes >= iov->iov_len) {
        bytes -= iov->iov_len;
        iov++;
        pending->first++;
        pending->n--;
    }
    if (!pending->n)
        return;
    iov->iov_base = (char *)iov->iov_base + bytes;
    iov->iov_len -= bytes;
}

size_t nw_io_pending_left(const struct nw_io_pending *pending)
{
    size_t bytes = 0;
    for (int i = 0; i < pending->n; i++)
        bytes += pending->iov[pending->first + i].iov_len;
    return bytes;
}
