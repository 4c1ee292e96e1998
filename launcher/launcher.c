/*
 * The launcher's event loop and its table of workers.
 *
 * Reports never block the loop: a worker stays in the table until the engine took both STARTED and EXITED, and what
 * does not fit into the socket now is sent when it has room again.
 */
#include "launcher/launcher.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "common/manifest/control.h"
#include "common/manifest/manifest.h"
#include "launcher/namespaces.h"
#include "launcher/start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SYSTEM 111

struct worker {
    struct worker *next;
    uint32_t number;
    uid_t user; /* 0: ours */
    pid_t pid;  /* kept for STARTED after the process is reaped; 0 when none was ever started */
    bool running;
    bool started_reported;
    int64_t status; /* once not running: wait status, or negative errno when never started */
    char reason[512];
    char layers[NW_LAYERS_TEXT];
};

struct nw_launcher {
    int lifeline;
    int control;
    int signals;
    const char *worker_path;
    struct nw_users users;
    uid_t last_user;
    int namespaces;         /* that a worker gets; CLONE_NEW* flags */
    struct worker *workers; /* oldest first */
    bool blocked;           /* a report waits for room in the control socket */
    bool stopping;
    int exit_status;
    struct nw_control_message message; /* too large for the stack */
};

static void stop(struct nw_launcher *l, int exit_status)
{
    l->stopping = true;
    if (exit_status > l->exit_status)
        l->exit_status = exit_status;
}

/* ---- workers ---- */

static struct worker *find(const struct nw_launcher *l, uint32_t number)
{
    struct worker *w = l->workers;

    while (w && w->number != number)
        w = w->next;
    return w;
}

static struct worker *add(struct nw_launcher *l, uint32_t number)
{
    struct worker **end = &l->workers;
    struct worker *w = calloc(1, sizeof *w);

    if (!w)
        return NULL;
    w->number = number;
    while (*end)
        end = &(*end)->next;
    *end = w;
    return w;
}

static void describe_exit(char *text, size_t size, int status)
{
    if (WIFEXITED(status))
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
    else
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

static void note_exit(struct nw_launcher *l, pid_t pid, int status)
{
    for (struct worker *w = l->workers; w; w = w->next)
        if (w->running && w->pid == pid) {
            w->running = false;
            w->status = status;
            describe_exit(w->reason, sizeof w->reason, status);
        }
}

static void reap(struct nw_launcher *l)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        note_exit(l, pid, status);
}

static void kill_and_reap_all(struct nw_launcher *l)
{
    for (struct worker *w = l->workers; w; w = w->next)
        if (w->running)
            kill(w->pid, SIGKILL);
    for (struct worker *w = l->workers; w; w = w->next)
        while (w->running && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR) {
        }
}

/* ---- reports to the engine ---- */

/* False when the report must wait for room in the socket, or can never be sent because the engine is gone. */
static bool report(struct nw_launcher *l, const struct worker *w, uint32_t kind, int64_t value, const char *text)
{
    struct nw_control head = {.kind = kind, .worker = w->number, .value = value};
    int rc = nw_control_send(l->control, &head, text, strlen(text), NULL, 0);

    if (rc == -EAGAIN) {
        l->blocked = true;
    } else if (rc == -EPIPE || rc == -ECONNRESET) {
        stop(l, 0);
    } else if (rc < 0) {
        nw_log(NW_LOG_ERROR, "cannot report to the engine: %s", strerror(-rc));
        stop(l, EXIT_SYSTEM);
    }
    return rc == 0;
}

/* Sends what the engine has not been told of this worker. True when nothing more will ever be to say. */
static bool report_worker(struct nw_launcher *l, struct worker *w)
{
    if (w->pid > 0 && !w->started_reported) {
        w->started_reported = report(l, w, NW_CONTROL_STARTED, w->pid, w->layers);
        if (!w->started_reported)
            return false;
    }
    return !w->running && report(l, w, NW_CONTROL_EXITED, w->status, w->reason);
}

static void report_all(struct nw_launcher *l)
{
    struct worker **at = &l->workers;

    l->blocked = false;
    while (*at && !l->blocked && !l->stopping) {
        struct worker *w = *at;

        if (report_worker(l, w)) {
            *at = w->next;
            free(w);
        } else {
            at = &w->next;
        }
    }
}

/* ---- messages from the engine ---- */

static bool is_taken(const struct nw_launcher *l, uid_t user)
{
    const struct worker *w = l->workers;

    while (w && !(w->running && w->user == user))
        w = w->next;
    return w != NULL;
}

/* One that no other worker of ours is; the one that was used last comes last. -ENOENT when there is none. Functions
 * with granted directories stay the user that granted them: files are read and made as that one's. */
static int choose_user(struct nw_launcher *l, uid_t *user)
{
    uid_t count = l->users.last - l->users.first + 1;

    *user = 0;
    if (!l->users.first || l->message.head.profile & NW_PROFILE_FILES)
        return 0;
    for (uid_t i = 0; i < count; i++) {
        l->last_user = l->last_user < l->users.last ? l->last_user + 1 : l->users.first;
        if (!is_taken(l, l->last_user)) {
            *user = l->last_user;
            return 0;
        }
    }
    return -ENOENT;
}

static int start_process(struct nw_launcher *l, struct worker *w)
{
    struct nw_start_place place = {.worker_path = l->worker_path, .namespaces = l->namespaces};
    int rc = nw__start_check(&l->message, w->reason, sizeof w->reason);

    if (rc == 0 && choose_user(l, &place.user) < 0) {
        snprintf(w->reason, sizeof w->reason, "every user of --worker-users %u-%u has a worker already", l->users.first,
                 l->users.last);
        rc = -EAGAIN;
    }
    w->user = place.user;
    return rc < 0 ? rc : nw__start_worker(&place, &l->message, w->layers, w->reason, sizeof w->reason);
}

static void start_worker(struct nw_launcher *l)
{
    struct worker *w;
    int rc;

    if (find(l, l->message.head.worker)) {
        nw_log(NW_LOG_ERROR, "the engine started worker %u twice", l->message.head.worker);
        stop(l, EXIT_SYSTEM);
        return;
    }
    w = add(l, l->message.head.worker);
    if (!w) {
        nw_log(NW_LOG_ERROR, "cannot remember worker %u: %s", l->message.head.worker, strerror(ENOMEM));
        stop(l, EXIT_SYSTEM);
        return;
    }
    rc = start_process(l, w);
    w->running = rc > 0;
    w->pid = rc > 0 ? rc : 0;
    w->status = rc > 0 ? 0 : rc;
}

/* An unknown number is no error: the worker's end may have crossed the engine's message. */
static void kill_worker(const struct nw_launcher *l)
{
    const struct worker *w = find(l, l->message.head.worker);

    if (w && w->running)
        kill(w->pid, SIGKILL);
}

static void handle_message(struct nw_launcher *l)
{
    switch (l->message.head.kind) {
    case NW_CONTROL_START:
        start_worker(l);
        break;
    case NW_CONTROL_KILL:
        kill_worker(l);
        break;
    default:
        nw_log(NW_LOG_ERROR, "the engine sent a message of unknown kind %u", l->message.head.kind);
        stop(l, EXIT_SYSTEM);
    }
}

/* One message each time, so that the lifeline is looked at between any two. */
static void read_control(struct nw_launcher *l)
{
    int rc = nw_control_recv(l->control, &l->message);

    if (rc == 1) {
        handle_message(l);
        for (int i = 0; i < l->message.n_fds; i++)
            close(l->message.fds[i]);
    } else if (rc == 0 || rc == -ECONNRESET) {
        stop(l, 0);
    } else if (rc != -EAGAIN) {
        char text[NW_ERROR_TEXT];
        nw_log(NW_LOG_ERROR, "cannot read from the engine: %s", nw_error_text(-rc, text));
        stop(l, EXIT_SYSTEM);
    }
}

/* ---- the loop ---- */

static void read_signals(struct nw_launcher *l)
{
    struct signalfd_siginfo info;

    while (read(l->signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            stop(l, 0);
    reap(l);
}

int nw__launcher_run(struct nw_launcher *l)
{
    while (!l->stopping) {
        struct pollfd polls[] = {
            {.fd = l->lifeline, .events = POLLIN},
            {.fd = l->signals, .events = POLLIN},
            {.fd = l->control, .events = (short)(POLLIN | (l->blocked ? POLLOUT : 0))},
        };

        if (poll(polls, 3, -1) < 0 && errno != EINTR) {
            nw_log(NW_LOG_ERROR, "cannot wait for events: %s", strerror(errno));
            stop(l, EXIT_SYSTEM);
        }
        /* Nothing is ever written to the lifeline: whatever happens on it is its end. */
        if (polls[0].revents)
            stop(l, 0);
        if (polls[1].revents)
            read_signals(l);
        if (polls[2].revents & ~POLLOUT)
            read_control(l);
        report_all(l);
    }
    kill_and_reap_all(l);
    return l->exit_status;
}

static int block_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct nw_launcher *nw__launcher_new(int lifeline, int control, const char *worker_path, const struct nw_users *users)
{
    struct nw_launcher *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->lifeline = lifeline;
    l->control = control;
    l->worker_path = worker_path;
    l->namespaces = nw__namespaces_usable();
    if (nw__users_usable())
        l->users = *users;
    l->last_user = l->users.last;
    l->signals = block_signals();
    if (l->signals < 0 || fcntl(control, F_SETFL, O_NONBLOCK) != 0) {
        int saved = errno;
        nw__launcher_free(l);
        errno = saved;
        return NULL;
    }
    return l;
}

void nw__launcher_free(struct nw_launcher *l)
{
    if (!l)
        return;
    while (l->workers) {
        struct worker *next = l->workers->next;
        free(l->workers);
        l->workers = next;
    }
    if (l->signals >= 0)
        close(l->signals);
    close(l->control);
    close(l->lifeline);
    free(l);
}
