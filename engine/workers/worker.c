/* See worker.h. */
#include "engine/workers/worker.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/threads/channels.h"
#include "engine/workers/seat.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define NO_MESSAGES "it does not take messages from its control socket"

/* The part of nw__worker_new that can fail half-way. On failure nw__worker_free undoes what was made. */
static int worker_open(struct nw_worker *worker, void (*readable)(void *worker), int *socket)
{
    struct nw_engine *engine = worker->seat->all->engine;
    int pair[2], rc;
    worker->link = nw_link_new(engine, worker->number, worker, &rc);
    if (!worker->link)
        return rc;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    worker->control = pair[0];
    *socket = pair[1];
    worker->control_watch = nw_io_watch_new(engine->io, worker->control, readable, worker);
    if (!worker->control_watch)
        return -ENOMEM;
    const struct nw_geometry geometry = nw_options_geometry(&engine->options);
    return nw_channels_new((unsigned)engine->options.threads - 1, &geometry, &worker->link->channel, worker->number,
                           worker->control, &worker->channels);
}

struct nw_worker *nw__worker_new(struct nw_seat *seat, uint32_t number, void (*readable)(void *worker), int *socket,
                                 int *error)
{
    struct nw_worker *worker = calloc(1, sizeof *worker);
    *socket = -1;
    *error = -ENOMEM;
    if (!worker)
        return NULL;
    worker->seat = seat;
    worker->number = number;
    worker->control = -1;
    nw_outbox_init(&worker->outbox);
    nw_list_init(&worker->outbox_link);
    *error = worker_open(worker, readable, socket);
    if (*error == 0)
        return worker;
    if (*socket >= 0)
        close(*socket);
    nw__worker_free(worker);
    return NULL;
}

void nw__worker_free(struct nw_worker *worker)
{
    if (worker->control_watch)
        nw_io_watch_free(worker->control_watch);
    nw_outbox_clear(&worker->outbox);
    nw_list_remove(&worker->outbox_link);
    if (worker->control >= 0)
        close(worker->control);
    nw_channels_close(worker->channels);
    if (worker->link)
        nw_link_unref(worker->link);
    free(worker);
}

void nw_worker_tell(struct nw_worker *worker, const struct nw_control *head, const char *text, size_t length,
                    const int *fds, int n_fds)
{
    if (nw_outbox_send(&worker->outbox, worker->control, head, text, length, fds, n_fds) < 0)
        nw_link_break(worker->link, NO_MESSAGES);
    else if (worker->outbox.n_kept && nw_list_empty(&worker->outbox_link))
        nw_list_append(&worker->seat->all->unsent, &worker->outbox_link);
}

void nw__worker_send_kept(struct nw_worker *worker)
{
    if (nw_outbox_flush(&worker->outbox, worker->control) < 0)
        nw_link_break(worker->link, NO_MESSAGES);
    if (!worker->outbox.n_kept)
        nw_list_remove(&worker->outbox_link);
}
