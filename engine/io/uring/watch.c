/*
 * Watches and bells of the io_uring backend. Each callback of a watch arms the poll anew, which looks at the descriptor
 * at once: a callback that left something unread is called again, as io.h promises. A multishot poll would report
 * changes only.
 */
#include "common/base/valid.h"
#include "engine/io/uring/objects.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

bool nw__uring_watch_is_valid(const struct nw__uring_watch *watch)
{
    const enum nw__op_state poll = watch->poll.state;
    const bool ends = !nw_list_empty(&watch->ending.link);
    if (!nw__op_is_valid(&watch->poll) || watch->fd < 0)
        return false;
    if (watch->freed)
        return poll != OP_QUEUED && (!ends || poll == OP_IDLE);
    return !ends && poll != OP_CANCEL_QUEUED && poll != OP_CANCELLED;
}

static void poll_prepare(struct nw__op *op, struct io_uring_sqe *sqe)
{
    io_uring_prep_poll_add(sqe, nw_container(op, struct nw__uring_watch, poll)->fd, POLLIN | POLLRDHUP);
}

static void poll_complete(struct nw__op *op, int result, unsigned flags)
{
    struct nw__uring_watch *watch = nw_container(op, struct nw__uring_watch, poll);
    (void)flags;
    if (!watch->freed && result != -ECANCELED)
        watch->base.readable(watch->base.arg);
    if (watch->freed)
        nw__uring_end(watch->uring, &watch->ending);
    else if (result >= 0 || result == -ECANCELED)
        nw__op_start(watch->uring, op);
    nw_check_valid(nw__uring_watch, watch);
}

static void watch_end(struct nw__ending *ending)
{
    struct nw__uring_watch *watch = nw_container(ending, struct nw__uring_watch, ending);
    watch->uring->living--;
    free(watch);
}

struct nw_io_watch *nw__uring_watch_new(struct nw_io *io, int fd)
{
    struct nw__uring_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    watch->uring = (struct nw__uring *)io;
    watch->fd = fd;
    watch->ending.end = watch_end;
    nw_list_init(&watch->ending.link);
    nw__op_init(&watch->poll, poll_prepare, poll_complete);
    nw__op_start(watch->uring, &watch->poll);
    watch->uring->living++;
    nw_check_valid(nw__uring_watch, watch);
    return &watch->base;
}

/* A poll that is in the kernel no longer needs the number of the descriptor, only one that is still queued would. */
void nw__uring_watch_free(struct nw_io_watch *base)
{
    struct nw__uring_watch *watch = (struct nw__uring_watch *)base;
    watch->freed = true;
    nw__op_cancel(watch->uring, &watch->poll);
    if (watch->poll.state == OP_IDLE)
        nw__uring_end(watch->uring, &watch->ending);
    nw_check_valid(nw__uring_watch, watch);
}

struct nw_io_bell *nw__uring_bell_new(struct nw_io *io)
{
    struct nw__uring_bell *bell = calloc(1, sizeof *bell);
    if (!bell)
        return NULL;
    bell->uring = (struct nw__uring *)io;
    nw_list_init(&bell->link);
    return &bell->base;
}

void nw__uring_bell_ring(struct nw_io_bell *base)
{
    struct nw__uring_bell *bell = (struct nw__uring_bell *)base;
    if (nw_list_empty(&bell->link))
        nw_list_append(&bell->uring->bells, &bell->link);
}

void nw__uring_bell_submit(struct nw__uring *uring, struct io_uring_sqe *sqe)
{
    struct nw__uring_bell *bell = nw_container(uring->bells.next, struct nw__uring_bell, link);
    nw_list_remove(&bell->link);
    io_uring_prep_write(sqe, bell->base.fd, &nw_io_one, sizeof nw_io_one, (uint64_t)-1);
    io_uring_sqe_set_data(sqe, NULL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void nw__uring_bell_free(struct nw_io_bell *base)
{
    struct nw__uring_bell *bell = (struct nw__uring_bell *)base;
    nw_list_remove(&bell->link);
    free(bell);
}
