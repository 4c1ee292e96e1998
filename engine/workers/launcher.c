/* See launcher.h. */
#include "engine/workers/launcher.h"
#include "common/base/log.h"
#include "engine/io/io.h"
#include <errno.h>
#include <unistd.h>

static struct nw_control_message message; /* too large for the stack; one is handled at a time */

void nw__launcher_init(struct nw_launcher *launcher, struct nw_io *io, const struct nw_launcher_events *events,
                       void *arg)
{
    *launcher = (struct nw_launcher){.io = io, .events = events, .arg = arg, .socket = -1};
    nw_outbox_init(&launcher->outbox);
}

static void said(const struct nw_launcher *launcher)
{
    const struct nw_control *head = &message.head;
    for (int i = 0; i < message.n_fds; i++)
        close(message.fds[i]);
    if (head->kind == NW_CONTROL_STARTED)
        launcher->events->started(launcher->arg, head->worker, head->value, message.text);
    else if (head->kind == NW_CONTROL_EXITED)
        launcher->events->exited(launcher->arg, head->worker, head->value, message.text);
}

static void readable(void *arg)
{
    struct nw_launcher *launcher = arg;
    while (nw_launcher_is_there(launcher)) {
        int rc = nw_control_recv(launcher->socket, &message);
        if (rc == -EAGAIN)
            return;
        if (rc <= 0) {
            nw_log(NW_LOG_WARN, "the launcher is gone; waiting for another one");
            nw__launcher_leave(launcher);
            launcher->events->gone(launcher->arg);
            return;
        }
        said(launcher);
    }
}

int nw__launcher_meet(struct nw_launcher *launcher, int socket)
{
    launcher->watch = nw_io_watch_new(launcher->io, socket, readable, launcher);
    if (!launcher->watch) {
        int error = errno;
        close(socket);
        return -error;
    }
    launcher->socket = socket;
    return 0;
}

void nw__launcher_leave(struct nw_launcher *launcher)
{
    if (!nw_launcher_is_there(launcher))
        return;
    nw_io_watch_free(launcher->watch);
    nw_outbox_clear(&launcher->outbox);
    close(launcher->socket);
    launcher->socket = -1;
}

bool nw_launcher_is_there(const struct nw_launcher *launcher)
{
    return launcher->socket >= 0;
}

int nw__launcher_start(struct nw_launcher *launcher, const struct nw_control *head, const int fds[NW_CONTROL_FDS_START])
{
    return nw_outbox_send(&launcher->outbox, launcher->socket, head, NULL, 0, fds, NW_CONTROL_FDS_START);
}

void nw__launcher_kill(struct nw_launcher *launcher, uint32_t worker)
{
    const struct nw_control head = {.kind = NW_CONTROL_KILL, .worker = worker};
    if (nw_launcher_is_there(launcher) &&
        nw_outbox_send(&launcher->outbox, launcher->socket, &head, NULL, 0, NULL, 0) < 0)
        nw_log(NW_LOG_ERROR, "cannot tell the launcher to kill worker %u: it does not take messages", worker);
}

void nw__launcher_send_kept(struct nw_launcher *launcher)
{
    /* An error is ignored: readable() notices when the launcher is gone. */
    if (launcher->outbox.n_kept)
        nw_outbox_flush(&launcher->outbox, launcher->socket);
}
