/*
 * The host's state machine.
 *
 *   STARTING ──engine says READY──> SERVING        STARTING ──a child exits with 2 or 111──> STOPPING
 *      │                               │
 *      └───────── TERM or INT ─────────┴──> DRAINING ──engine ends, or again a signal──> STOPPING ──all ended──> done
 *
 * While STARTING or SERVING a child that ends is started again, after a pause when it keeps ending
 * (common/base/backoff.h). When the engine ends the launcher goes with it, so that no worker outlives the engine that
 * it talks to; then both are started. When the launcher ends the engine stays and is sent the socket of the next one.
 */
#include "deploy/host/host.h"
#include "common/base/backoff.h"
#include "common/base/error_text.h"
#include "common/host/spawn.h"
#include "common/manifest/control.h"
#include "deploy/base/option_value.h"
#include "deploy/base/say.h"
#include "deploy/host/engine_argv.h"
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
#include <time.h>
#include <unistd.h>

/* All in milliseconds. */
#define DRAIN_PATIENCE 15000 /* the engine gives what runs 10 s */
#define STOP_PATIENCE  2000
#define NEVER          INT64_MAX

enum phase { STARTING, SERVING, DRAINING, STOPPING };

struct child {
    const char *name;
    pid_t pid;  /* 0 while it does not run */
    int socket; /* our end; closing it tells the child that we are gone. -1 when closed */
    int64_t started_at;
    int64_t start_at; /* while it does not run: when to start it */
    int64_t kill_at;  /* when patience with it ends */
    struct nw_backoff backoff;
    bool dismissed; /* we told it to end */
};

struct host {
    const struct nw_host_plan *plan;
    enum phase phase;
    bool was_ready;
    bool socket_left; /* an engine was ready and has not ended as it should since: its admin socket may be there */
    int exit_status;
    int signals;
    struct child engine;
    struct child launcher;
    char *listen[NW_HOST_LISTEN_MAX]; /* ports are fixed once the engine said them */
    int n_listen;
    struct nw_control_message message; /* too large for the stack */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool stopping(const struct host *h)
{
    return h->phase == DRAINING || h->phase == STOPPING;
}

static void close_socket(struct child *child)
{
    if (child->socket >= 0)
        close(child->socket);
    child->socket = -1;
}

static void expect_end(struct child *child)
{
    close_socket(child);
    if (child->pid > 0 && child->kill_at == NEVER)
        child->kill_at = now_ms() + STOP_PATIENCE;
}

/* Tells the child by end of file that it must go. */
static void let_go(struct child *child)
{
    child->dismissed = true;
    expect_end(child);
}

/* ---- stopping ---- */

static void stop_now(struct host *h)
{
    h->phase = STOPPING;
    if (h->engine.pid > 0) {
        kill(h->engine.pid, SIGTERM);
        h->engine.kill_at = now_ms() + STOP_PATIENCE;
    }
    let_go(&h->engine);
    let_go(&h->launcher);
}

/* The first start failed: there is nothing to restart, only something to correct. */
static void give_up(struct host *h, int status)
{
    if (h->exit_status == 0)
        h->exit_status = status;
    if (h->phase != STOPPING)
        stop_now(h);
}

static void begin_drain(struct host *h)
{
    nw_say("stopping: what runs may finish; a second signal ends it at once");
    nw__notify("STOPPING=1");
    h->phase = DRAINING;
    if (h->engine.pid == 0) {
        stop_now(h);
        return;
    }
    kill(h->engine.pid, SIGTERM);
    h->engine.kill_at = now_ms() + DRAIN_PATIENCE;
}

/* ---- starting ---- */

/* Only a host that was ready once goes on trying: what failed since may pass. */
static void start_failed(struct host *h, struct child *child, const char *step, int error)
{
    char text[NW_ERROR_TEXT];

    nw_complain("cannot start %s: cannot %s: %s", child->name, step, nw_error_text(-error, text));
    if (!h->was_ready)
        give_up(h, NW_EXIT_SYSTEM);
}

static void schedule(struct child *child, enum nw_end cause)
{
    int64_t now = now_ms();

    child->start_at = now + (int64_t)nw_backoff_pause(&child->backoff, cause, (uint64_t)(now - child->started_at));
}

/* Spawns a child with `theirs` at 3 and following. Workers run where the launcher does, which sleeps. The launcher can
 * clean up nothing once it is killed, and its workers die with it; the engine has a socket to remove, hence the gentler
 * signal. */
static bool spawn(struct host *h, struct child *child, const char *path, char **argv, const int *theirs, int n_theirs)
{
    struct nw_spawn spec = {
        .path = path,
        .argv = argv,
        .envp = environ,
        .fds = theirs,
        .n_fds = n_theirs,
        .cpus = child == &h->launcher ? h->plan->worker_cpus : h->plan->engine_cpus,
        .death_signal = child == &h->launcher ? SIGKILL : SIGTERM,
    };
    unsigned shortfalls;
    const char *step;
    pid_t pid = nw_spawn(&spec, &shortfalls, &step);

    child->started_at = now_ms();
    child->kill_at = NEVER;
    child->dismissed = false;
    if (pid < 0) {
        schedule(child, NW_END_OWN);
        start_failed(h, child, step, pid);
        return false;
    }
    child->pid = pid;
    return true;
}

static bool make_pair(struct host *h, struct child *child, int pair[2])
{
    int rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 ? 0 : -errno;

    if (rc == 0)
        return true;
    schedule(child, NW_END_OWN);
    start_failed(h, child, "make its socket", rc);
    return false;
}

static void start_engine(struct host *h)
{
    char **argv = nw__engine_argv(h->plan, h->listen, h->n_listen);
    int pair[2];

    if (!argv) {
        schedule(&h->engine, NW_END_OWN);
        start_failed(h, &h->engine, "make its command line", -ENOMEM);
        return;
    }
    if (make_pair(h, &h->engine, pair)) {
        h->engine.socket = pair[0];
        fcntl(pair[0], F_SETFL, O_NONBLOCK);
        if (!spawn(h, &h->engine, h->plan->engine_path, argv, &pair[1], 1))
            close_socket(&h->engine);
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
    h->launcher.socket = lifeline[0];
    if (make_pair(h, &h->launcher, control)) {
        int theirs[] = {lifeline[1], control[1]};
        if (spawn(h, &h->launcher, h->plan->launcher_path, argv, theirs, 2))
            give_launcher_to_engine(h, control[0]);
        close(control[0]);
        close(control[1]);
    }
    close(lifeline[1]);
    if (h->launcher.pid == 0)
        close_socket(&h->launcher);
}

static void start_what_is_due(struct host *h)
{
    int64_t now = now_ms();

    if (stopping(h))
        return;
    if (h->engine.pid == 0 && h->launcher.pid == 0 && now >= h->engine.start_at)
        start_engine(h);
    if (h->engine.pid > 0 && h->engine.socket >= 0 && h->launcher.pid == 0 && now >= h->launcher.start_at)
        start_launcher(h);
}

/* ---- children that end ---- */

static void say_ended(const struct child *child, int status)
{
    int64_t pause = child->start_at - now_ms();
    char when[48] = "";

    if (pause > 0)
        snprintf(when, sizeof when, " in %d ms, because it keeps ending", (int)pause);
    if (WIFSIGNALED(status))
        nw_complain("%s ended: killed by signal %d (%s); starting it again%s", child->name, WTERMSIG(status),
                    strsignal(WTERMSIG(status)), when);
    else
        nw_complain("%s ended: exit status %d; starting it again%s", child->name, WEXITSTATUS(status), when);
}

static bool could_not_start(const struct host *h, int status)
{
    return !h->was_ready && WIFEXITED(status) &&
           (WEXITSTATUS(status) == NW_EXIT_USAGE || WEXITSTATUS(status) == NW_EXIT_SYSTEM);
}

/* A launcher that ends with 0 followed the engine, whose own end may show only a moment later. */
static void child_ended(struct host *h, struct child *child, int status)
{
    child->pid = 0;
    close_socket(child);
    if (stopping(h) || child->dismissed)
        return;
    schedule(child, nw_backoff_cause(status));
    if (could_not_start(h, status))
        give_up(h, WEXITSTATUS(status));
    else if (child != &h->launcher || status != 0)
        say_ended(child, status);
}

static bool reap(struct child *child, int *status)
{
    return child->pid > 0 && waitpid(child->pid, status, WNOHANG) == child->pid;
}

static void reap_children(struct host *h)
{
    int status;

    /* The engine first: a launcher that followed it is no second failure. */
    if (reap(&h->engine, &status)) {
        if (status == 0)
            h->socket_left = false;
        child_ended(h, &h->engine, status);
        let_go(&h->launcher);
        if (h->phase == DRAINING)
            h->phase = STOPPING;
    }
    if (reap(&h->launcher, &status))
        child_ended(h, &h->launcher, status);
}

static void kill_if_late(struct child *child)
{
    if (child->pid == 0 || now_ms() < child->kill_at)
        return;
    nw_complain("%s did not end in time; killing it", child->name);
    kill(child->pid, SIGKILL);
    child->kill_at = NEVER;
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
    h->was_ready = h->socket_left = true;
    if (h->phase == STARTING)
        h->phase = SERVING;
}

static void read_engine(struct host *h)
{
    int rc = nw_control_recv(h->engine.socket, &h->message);

    if (rc == -EAGAIN)
        return;
    if (rc <= 0) {
        expect_end(&h->engine);
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

static void read_signals(struct host *h)
{
    struct signalfd_siginfo info;

    while (read(h->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            continue;
        if (info.ssi_signo == SIGHUP)
            nw_say("SIGHUP changes nothing: settings are read at a start only; SIGTERM stops it");
        else if (h->phase == DRAINING)
            stop_now(h);
        else if (h->phase != STOPPING)
            begin_drain(h);
    }
    reap_children(h);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_deadline(const struct host *h)
{
    int64_t at = NEVER;

    if (h->engine.pid > 0)
        at = earlier(at, h->engine.kill_at);
    else if (h->launcher.pid == 0 && !stopping(h))
        at = earlier(at, h->engine.start_at);
    if (h->launcher.pid > 0)
        at = earlier(at, h->launcher.kill_at);
    else if (h->engine.pid > 0 && !stopping(h))
        at = earlier(at, h->launcher.start_at);
    return at;
}

static bool all_ended(const struct host *h)
{
    return stopping(h) && h->engine.pid == 0 && h->launcher.pid == 0;
}

static int poll_timeout(const struct host *h)
{
    int64_t at = next_deadline(h);
    int64_t left = at - now_ms();

    /* The first start may have failed just now, and nothing is left to wait for. */
    if (all_ended(h))
        return 0;
    if (at == NEVER)
        return -1;
    return left < 0 ? 0 : (int)(left + 1);
}

static bool over(const struct host *h)
{
    return stopping(h) && h->engine.pid == 0 && h->launcher.pid == 0;
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
        kill_if_late(&h->engine);
        kill_if_late(&h->launcher);
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
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int nw_host_run(const struct nw_host_plan *plan)
{
    struct child down = {.socket = -1, .kill_at = NEVER};
    struct host *h = calloc(1, sizeof *h);
    int exit_status;

    if (!h || !set_listen(h, plan->listen, plan->n_listen))
        nw_fail(NW_EXIT_SYSTEM, "cannot start: %s", strerror(ENOMEM));
    h->plan = plan;
    h->engine = h->launcher = down;
    h->engine.name = "nightward-engine";
    h->launcher.name = "nightward-launcher";
    h->signals = open_signals();
    if (h->signals < 0)
        nw_fail(NW_EXIT_SYSTEM, "cannot watch for signals: %s", nw_error_text(errno, (char[NW_ERROR_TEXT]){0}));
    serve(h);
    if (h->socket_left)
        unlink(plan->socket);
    exit_status = h->exit_status;
    close(h->signals);
    free_listen(h);
    free(h);
    return exit_status;
}
