/* The supervisor's socket and the signals, as supervisor.h tells. */
#include "engine/control/supervisor.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "engine/control/controller.h"
#include "engine/control/drain.h"
#include "engine/control/ready.h"
#include "engine/control/unlisted.h"
#include "engine/gateway/gateway.h"
#include "engine/io/io.h"
#include "engine/logs/access.h"
#include "engine/serve/engine.h"
#include "engine/threads/threads.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUPERVISOR_FD 3

static struct nw_control_message message; /* too large for the stack */

static void handle_message(struct nw_controller *controller)
{
    bool launcher = message.head.kind == NW_CONTROL_LAUNCHER && message.n_fds == 1;
    for (int i = launcher; i < message.n_fds; i++)
        close(message.fds[i]);
    if (launcher)
        nw_workers_new_launcher(&controller->workers, message.fds[0]);
    else
        nw_log(NW_LOG_WARN, "the supervisor sent a message of kind %u that is not for an engine", message.head.kind);
}

/* Takes the listening sockets of an earlier engine. The supervisor sent them before it started this process, so nobody
 * need wait. Messages behind them are left to the loop. */
static void take_sockets(struct nw_supervisor *supervisor)
{
    struct nw_control head;
    while (recv(supervisor->socket, &head, sizeof head, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof head &&
           head.kind == NW_CONTROL_SOCKETS && nw_control_recv(supervisor->socket, &message) == 1)
        for (int i = 0; i < message.n_fds; i++) {
            if (supervisor->n_held < sizeof supervisor->held / sizeof supervisor->held[0])
                supervisor->held[supervisor->n_held++] = message.fds[i];
            else
                close(message.fds[i]);
        }
}

/* The supervisor keeps them open, so that they listen on while one engine ends and another starts. */
static void hand_over_sockets(const struct nw_controller *controller)
{
    int fds[NW_CONTROL_FDS_MAX], n = 0, fd;
    unsigned i = 0;
    do {
        fd = nw_gateway_socket(&controller->engine, i++);
        if (fd >= 0)
            fds[n++] = fd;
        if (n == NW_CONTROL_FDS_MAX || (fd < 0 && n)) {
            nw_control_send(controller->supervisor.socket, &(struct nw_control){.kind = NW_CONTROL_SOCKETS}, NULL, 0,
                            fds, n);
            n = 0;
        }
    } while (fd >= 0);
}

static void readable(void *arg)
{
    struct nw_controller *controller = arg;
    for (;;) {
        int rc = nw_control_recv(controller->supervisor.socket, &message);
        if (rc == -EAGAIN)
            return;
        if (rc <= 0)
            break;
        handle_message(controller);
    }
    nw_log(NW_LOG_INFO, "the supervisor is gone: ends");
    nw_io_watch_free(controller->supervisor.watch);
    controller->supervisor.watch = NULL;
    nw_io_stop(controller->engine.io);
}

static void signalled(void *arg)
{
    struct nw_controller *controller = arg;
    struct signalfd_siginfo info;
    while (read(controller->supervisor.signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR1)
            nw_access_reopen();
        else
            nw__drain_begin(controller);
}

static void start_signals(struct nw_controller *controller)
{
    sigset_t set;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* to exceed a file size limit is an error with a message then, not the end */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    controller->supervisor.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (controller->supervisor.signals >= 0)
        controller->supervisor.signal_watch =
            nw_io_watch_new(controller->engine.io, controller->supervisor.signals, signalled, controller);
    if (!controller->supervisor.signal_watch)
        nw_die_system("cannot watch for signals: %s", strerror(errno));
}

void nw_supervisor_start(struct nw_controller *controller)
{
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(SUPERVISOR_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
        nw_die_usage("file descriptor 3 is not a control socket; start this program by `nightward up`");
    controller->supervisor.socket = SUPERVISOR_FD;
    fcntl(SUPERVISOR_FD, F_SETFD, FD_CLOEXEC);
    controller->supervisor.watch = nw_io_watch_new(controller->engine.io, SUPERVISOR_FD, readable, controller);
    if (!controller->supervisor.watch)
        nw_die_system("cannot watch the supervisor's socket: %s", strerror(errno));
    take_sockets(&controller->supervisor);
    start_signals(controller);
}

void nw__supervisor_tell_ready(struct nw_controller *controller)
{
    if (controller->workers.ready || !nw_launcher_is_there(&controller->workers.launcher) || !nw__settled(controller) ||
        !nw_threads_settled(&controller->threads))
        return;
    controller->workers.ready = true;
    if (!controller->supervisor.n_held)
        hand_over_sockets(controller);
    nw_control_send(controller->supervisor.socket, &(struct nw_control){.kind = NW_CONTROL_READY},
                    controller->addresses, strlen(controller->addresses), NULL, 0);
    nw__unlisted_look(controller);
}

void nw__supervisor_fini(struct nw_controller *controller)
{
    if (controller->supervisor.watch)
        nw_io_watch_free(controller->supervisor.watch);
    nw_io_watch_free(controller->supervisor.signal_watch);
    close(controller->supervisor.socket);
    close(controller->supervisor.signals);
}
