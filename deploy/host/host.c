/*
 * The life of a host:
 *
 *               READY             STOP               STOP, or ENGINE_ENDED
 *   STARTING ───────────> SERVING ──────> DRAINING ────────────────────────> STOPPING ──> over, once all have ended
 *    │  │ STOP                             ^                                  ^
 *    │  └──────────────────────────────────┘                                  │
 *    └──────────────────────────── FAIL ──────────────────────────────────────┘
 *
 * READY: the engine said so. STOP: TERM or INT. FAIL: what has never been ready cannot be started, or ends with 2 or
 * 111: there is nothing to start again, only something to correct.
 *
 * While STARTING or SERVING a child that ends is started again (child.h). When the engine ends the launcher goes with
 * it, so that no worker outlives the engine that it talks to; then both are started. When the launcher ends the engine
 * stays and is sent the socket of the next one.
 */
#include "deploy/host/host.h"
#include "common/host/error_text.h"
#include "common/host/spawn.h"
#include "common/manifest/control.h"
#include "deploy/base/option_value.h"
#include "deploy/base/say.h"
#include "deploy/host/child.h"
#include "deploy/host/engine_argv.h"
#include "deploy/host/errand.h"
#include "deploy/host/notify.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In milliseconds. */
#define DRAIN_PATIENCE 15000 /* the engine gives what runs 10 s */

/* What the kernel gives to a thread at a time, in microseconds. The engine's are the shortest that it takes: who wakes
 * up with less goes before who runs with more. */
#define SLICE_ENGINE_US  100
#define SLICE_WORKERS_US 200

enum phase { STARTING, SERVING, DRAINING, STOPPING, PHASES };
enum event { EVENT_READY, EVENT_STOP, EVENT_FAIL, EVENT_ENGINE_ENDED, EVENTS };

struct host {
    const struct nw_host_plan *plan;
    enum phase phase; /* written by its table alone */
    bool was_ready;
    bool socket_left; /* an engine was ready and has not ended as it should since: its admin socket may be there */
    int exit_status;
    int signals;
    struct nw_child engine;
    struct nw_child launcher;
    struct nw_errand deploys;
    char *listen[NW_HOST_LISTEN_MAX]; /* ports are fixed once the engine said them */
    int n_listen;
    int sockets[NW_HOST_SOCKETS_MAX]; /* that listen for the engine, so that nobody is refused while there is none */
    int n_sockets;
    bool sockets_whole; /* an engine was ready with them: there is one for each of its threads and addresses */
    struct nw_control_message message; /* too large for the stack */
};

static bool stopping(const struct host *h)
{
    return h->phase == DRAINING || h->phase == STOPPING;
}

/* ---- phases ---- */

struct transition {
    enum phase next;
    void (*act)(struct host *h); /* NULL: the event changes nothing in this phase */
};

static void nothing(struct host *h);
static void begin_drain(struct host *h);
static void stop_now(struct host *h);

static const struct transition table[PHASES][EVENTS] = {
    [STARTING] = {[EVENT_READY] = {SERVING, nothing},
                  [EVENT_STOP] = {DRAINING, begin_drain},
                  [EVENT_FAIL] = {STOPPING, stop_now}},
    [SERVING] = {[EVENT_STOP] = {DRAINING, begin_drain}},
    [DRAINING] = {[EVENT_STOP] = {STOPPING, stop_now}, [EVENT_ENGINE_ENDED] = {STOPPING, stop_now}},
};

static void move(struct host *h, enum event event)
{
    const struct transition *transition = &table[h->phase][event];

    if (!transition->act)
        return;
    h->phase = transition->next;
    transition->act(h);
}

static void nothing(struct host *h)
{
    (void)h;
}

static void stop_now(struct host *h)
{
    nw__errand_stop(&h->deploys);
    if (nw__child_is_up(&h->engine))
        nw__child_ask_to_end(&h->engine, NW_STOP_PATIENCE);
    nw__child_dismiss(&h->engine);
    nw__child_dismiss(&h->launcher);
}

/* From now on who connects is refused. */
static void drop_sockets(struct host *h)
{
    while (h->n_sockets > 0)
        close(h->sockets[--h->n_sockets]);
    h->sockets_whole = false;
}

static bool listens(int fd)
{
    int yes = 0;
    socklen_t size = sizeof yes;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes;
}

/* An engine that ended before it was ready may have sent some only, and one that was asked to end may have shut down
 * what it shares with us. The next one can use neither, and could bind nothing while we hold them. */
static void drop_sockets_if_useless(struct host *h)
{
    bool useful = h->sockets_whole;

    for (int i = 0; i < h->n_sockets; i++)
        useful = useful && listens(h->sockets[i]);
    if (!useful)
        drop_sockets(h);
}

static void begin_drain(struct host *h)
{
    drop_sockets(h);
    nw_say("stopping: what runs may finish; a second signal ends it at once");
    nw__notify("STOPPING=1");
    nw__errand_stop(&h->deploys);
    if (nw__child_is_up(&h->engine))
        nw__child_ask_to_end(&h->engine, DRAIN_PATIENCE);
    else
        move(h, EVENT_ENGINE_ENDED);
}

static void give_up(struct host *h, int status)
{
    if (h->exit_status == 0)
        h->exit_status = status;
    move(h, EVENT_FAIL);
}

/* ---- starting ---- */

/* Only a host that was ready once goes on trying: what failed since may pass. */
static void start_failed(struct host *h, struct nw_child *child, const char *step, int error)
{
    char text[NW_ERROR_TEXT];

    nw_complain("cannot start %s: cannot %s: %s", child->name, step, nw_error_text(-error, text));
    if (!h->was_ready)
        give_up(h, NW_EXIT_SYSTEM);
}

/* Starts a child with `theirs` at 3 and following, and `ours` as our end of its socket. Workers run where the launcher
 * does, which sleeps. The launcher can clean up nothing once it is killed, and its workers die with it; the engine has
 * a socket to remove, hence the gentler signal. */
static bool start(struct host *h, struct nw_child *child, const char *path, char **argv, int ours, const int *theirs,
                  int n_theirs)
{
    const struct nw_spawn spec = {
        .path = path,
        .argv = argv,
        .envp = environ,
        .fds = theirs,
        .n_fds = n_theirs,
        .cpus = child == &h->launcher ? h->plan->worker_cpus : h->plan->engine_cpus,
        .slice_us = child == &h->launcher ? SLICE_WORKERS_US : SLICE_ENGINE_US,
        .death_signal = child == &h->launcher ? SIGKILL : SIGTERM,
    };
    const char *step;
    int rc = nw__child_start(child, &spec, ours, &step);

    if (rc < 0)
        start_failed(h, child, step, rc);
    return rc == 0;
}

static bool make_pair(struct host *h, struct nw_child *child, int pair[2])
{
    int rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? 0 : -errno;

    if (rc == 0)
        return true;
    nw__child_start_failed(child);
    start_failed(h, child, "make its socket", rc);
    return false;
}

/* Into the socket of an engine that is about to be started. */
static void give_sockets(const struct host *h, int control)
{
    struct nw_control head = {.kind = NW_CONTROL_SOCKETS};

    for (int i = 0, n; i < h->n_sockets; i += n) {
        n = h->n_sockets - i < NW_CONTROL_FDS_MAX ? h->n_sockets - i : NW_CONTROL_FDS_MAX;
        nw_control_send(control, &head, "", 0, h->sockets + i, n);
    }
}

static void start_engine(struct host *h)
{
    char **argv = nw__engine_argv(h->plan, h->listen, h->n_listen);
    int pair[2];

    if (!argv) {
        nw__child_start_failed(&h->engine);
        start_failed(h, &h->engine, "make its command line", -ENOMEM);
        return;
    }
    if (make_pair(h, &h->engine, pair)) {
        fcntl(pair[0], F_SETFL, O_NONBLOCK);
        drop_sockets_if_useless(h);
        give_sockets(h, pair[0]);
        start(h, &h->engine, h->plan->engine_path, argv, pair[0], &pair[1], 1);
        close(pair[1]);
    }
    nw__engine_argv_free(argv);
}

/* An engine that cannot take the message is ending; then both are started anew. */
static void give_launcher_to_engine(const struct host *h, int control)
{
    struct nw_control head = {.kind = NW_CONTROL_LAUNCHER};

    nw_control_send(h->engine.socket, &head, "", 0, &control, 1);
}

static void start_launcher(struct host *h)
{
    char *argv[] = {"nightward-launcher", "--worker-users", (char *)h->plan->worker_users, NULL};
    int lifeline[2], control[2];

    if (!make_pair(h, &h->launcher, lifeline))
        return;
    if (make_pair(h, &h->launcher, control)) {
        int theirs[] = {lifeline[1], control[1]};
        if (start(h, &h->launcher, h->plan->launcher_path, argv, lifeline[0], theirs, 2))
            give_launcher_to_engine(h, control[0]);
        close(control[0]);
        close(control[1]);
    } else {
        close(lifeline[0]);
    }
    close(lifeline[1]);
}

static void start_what_is_due(struct host *h)
{
    bool launcher_up = nw__child_is_up(&h->launcher);

    if (stopping(h))
        return;
    if (!nw__child_is_up(&h->engine) && !launcher_up && nw__host_now() >= h->engine.start_at)
        start_engine(h);
    if (h->engine.state == NW_CHILD_RUNNING && !launcher_up && nw__host_now() >= h->launcher.start_at)
        start_launcher(h);
}

/* ---- children that end ---- */

static bool could_not_start(const struct host *h, int status)
{
    return !h->was_ready && WIFEXITED(status) &&
           (WEXITSTATUS(status) == NW_EXIT_USAGE || WEXITSTATUS(status) == NW_EXIT_SYSTEM);
}

/* A launcher that ends with 0 followed the engine, whose own end may show only a moment later. */
static void child_ended(struct host *h, const struct nw_child *child, int status)
{
    if (could_not_start(h, status))
        give_up(h, WEXITSTATUS(status));
    else if (child != &h->launcher || status != 0)
        nw__child_say_ended(child, status);
}

/* Whether it has ended now. */
static bool reap(struct host *h, struct nw_child *child, int *status)
{
    bool dismissed;

    if (!nw__child_ended(child, status, &dismissed))
        return false;
    if (!stopping(h) && !dismissed)
        child_ended(h, child, *status);
    return true;
}

static void reap_children(struct host *h)
{
    int status;

    /* The engine first: a launcher that followed it is no second failure. */
    if (reap(h, &h->engine, &status)) {
        if (status == 0)
            h->socket_left = false;
        nw__child_dismiss(&h->launcher);
        move(h, EVENT_ENGINE_ENDED);
    }
    reap(h, &h->launcher, &status);
    nw__errand_reap(&h->deploys);
}

/* ---- what the engine says ---- */

static void free_listen(struct host *h)
{
    while (h->n_listen > 0)
        free(h->listen[--h->n_listen]);
}

static bool set_listen(struct host *h, char *const *addresses, int n)
{
    free_listen(h);
    while (h->n_listen < n) {
        h->listen[h->n_listen] = strdup(addresses[h->n_listen]);
        if (!h->listen[h->n_listen])
            return false;
        h->n_listen++;
    }
    return true;
}

/* Splits READY's lines into addresses. How many, or -1 when a line is none. */
static int split_addresses(char *text, char **addresses)
{
    int n = 0;
    char *line;

    while ((line = strsep(&text, "\n"))) {
        if (!*line)
            continue;
        if (n == NW_HOST_LISTEN_MAX || !nw_is_address(line))
            return -1;
        addresses[n++] = line;
    }
    return n;
}

static void become_ready(struct host *h)
{
    char *addresses[NW_HOST_LISTEN_MAX];
    int n = split_addresses(h->message.text, addresses);

    if (n <= 0 || !set_listen(h, addresses, n)) {
        nw_complain("%s said that it is ready at no address that can be used; ending it", h->engine.name);
        kill(h->engine.pid, SIGKILL);
        return;
    }
    for (int i = 0; i < n; i++)
        nw_say("%s on http://%s", h->was_ready ? "ready again" : "ready", h->listen[i]);
    if (!h->was_ready)
        nw__notify("READY=1");
    h->was_ready = h->socket_left = h->sockets_whole = true;
    move(h, EVENT_READY);
    if (!stopping(h))
        nw__errand_begin(&h->deploys);
}

static void keep_sockets(struct host *h)
{
    for (int i = 0; i < h->message.n_fds; i++)
        if (!stopping(h) && h->n_sockets < NW_HOST_SOCKETS_MAX)
            h->sockets[h->n_sockets++] = h->message.fds[i];
        else
            close(h->message.fds[i]);
}

static void read_engine(struct host *h)
{
    int rc = nw_control_recv(h->engine.socket, &h->message);

    if (rc == -EAGAIN)
        return;
    if (rc <= 0) {
        nw__child_closed(&h->engine);
        return;
    }
    if (h->message.head.kind == NW_CONTROL_SOCKETS) {
        keep_sockets(h);
        return;
    }
    for (int i = 0; i < h->message.n_fds; i++)
        close(h->message.fds[i]);
    if (h->message.head.kind == NW_CONTROL_READY)
        become_ready(h);
    else
        nw_complain("%s sent a message of unknown kind %u", h->engine.name, h->message.head.kind);
}

/* ---- the loop ---- */

/* Who turns log files sends one of these; a terminal that closes sends SIGHUP, too. */
static void reopen(struct host *h, unsigned signal)
{
    nw_say(
        "SIG%s changes nothing but the file of the access log, which is opened anew if there is one: settings are read "
        "at a start only; SIGTERM stops it",
        sigabbrev_np((int)signal));
    if (nw__child_is_up(&h->engine))
        kill(h->engine.pid, SIGUSR1);
}

static void read_signals(struct host *h)
{
    struct signalfd_siginfo info;

    while (read(h->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGUSR1)
            reopen(h, info.ssi_signo);
        else
            move(h, EVENT_STOP);
    }
    reap_children(h);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_deadline(const struct host *h)
{
    bool engine_up = nw__child_is_up(&h->engine), launcher_up = nw__child_is_up(&h->launcher);
    int64_t at = NW_NEVER;

    if (engine_up)
        at = earlier(at, h->engine.kill_at);
    else if (!launcher_up && !stopping(h))
        at = earlier(at, h->engine.start_at);
    if (launcher_up)
        at = earlier(at, h->launcher.kill_at);
    else if (engine_up && !stopping(h))
        at = earlier(at, h->launcher.start_at);
    return at;
}

static bool over(const struct host *h)
{
    return stopping(h) && !nw__child_is_up(&h->engine) && !nw__child_is_up(&h->launcher) && !h->deploys.pid;
}

static int poll_timeout(const struct host *h)
{
    int64_t at = next_deadline(h);
    int64_t left = at - nw__host_now();

    /* The first start may have failed just now, and nothing is left to wait for. */
    if (over(h))
        return 0;
    if (at == NW_NEVER)
        return -1;
    return left < 0 ? 0 : (int)(left + 1);
}

static void serve(struct host *h)
{
    while (!over(h)) {
        struct pollfd polls[] = {{.fd = h->signals, .events = POLLIN}, {.events = POLLIN}};

        start_what_is_due(h);
        if (over(h)) /* the first start failed: nobody is left to wait for */
            break;
        polls[1].fd = h->engine.socket; /* -1 is passed over */
        poll(polls, 2, poll_timeout(h));
        /* Its last words before its end. */
        if (polls[1].revents)
            read_engine(h);
        if (polls[0].revents)
            read_signals(h);
        nw__child_kill_if_late(&h->engine);
        nw__child_kill_if_late(&h->launcher);
    }
}

static int open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int nw_host_run(const struct nw_host_plan *plan)
{
    struct host *h = calloc(1, sizeof *h);
    int exit_status;

    if (!h || !set_listen(h, plan->listen, plan->n_listen))
        nw_fail(NW_EXIT_SYSTEM, "cannot start: %s", strerror(ENOMEM));
    h->plan = plan;
    nw__child_init(&h->engine, "nightward-engine");
    nw__child_init(&h->launcher, "nightward-launcher");
    h->deploys.argv = plan->deploy_argv;
    h->signals = open_signals();
    if (h->signals < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot watch for signals: %s", nw_error_text(errno, (char[NW_ERROR_TEXT]){0}));
    serve(h);
    if (h->socket_left)
        unlink(plan->socket);
    exit_status = h->exit_status;
    drop_sockets(h);
    close(h->signals);
    free_listen(h);
    free(h);
    return exit_status;
}
