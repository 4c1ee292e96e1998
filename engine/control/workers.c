/*
 * The life of a worker, told from its seat:
 *
 *             START               HELLO
 *   DOWN ───────────> STARTING ───────────> UP
 *    ^                   │ LOST              │ LOST
 *    └───────────────────┴───────────────────┘   (with a pause when it keeps happening: see common/base/backoff.h)
 *
 * START: there is a launcher and the pause is over. LOST: the process ended, its control socket closed, the launcher
 * went away, it broke the protocol, or it did not say HELLO in time; in every case it is killed, just in case. What
 * pause there is depends on whose doing that was. Where the closed socket is all that is known of it, the launcher's
 * word is waited for.
 */
#include "engine/control/workers.h"
#include "common/base/error_text.h"
#include "common/base/log.h"
#include "common/manifest/control.h"
#include "engine/control/deployments.h"
#include "engine/control/tenants.h"
#include "engine/serve/dispatch.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/serve/nested.h"
#include "engine/threads/threads.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGES_A_TURN 32 /* of one worker, so that none keeps the loop to itself */
#define HELLO_MS        10000
#define WORD_MS         1000 /* for the launcher to say how a process ended; it reaps it at once */

enum seat_event { SEAT_START, SEAT_HELLO, SEAT_LOST, SEAT_EVENTS };

static void seat_start(struct nw_seat *seat);
static void seat_hello(struct nw_seat *seat);
static void seat_lost(struct nw_seat *seat);
static void control_readable(void *arg);

struct transition {
    enum nw_seat_state next;
    void (*act)(struct nw_seat *seat); /* NULL: the event does not fit the state */
};

static const struct transition table[NW_SEAT_STATES][SEAT_EVENTS] = {
    [NW_SEAT_DOWN] = {[SEAT_START] = {NW_SEAT_STARTING, seat_start}},
    [NW_SEAT_STARTING] = {[SEAT_HELLO] = {NW_SEAT_UP, seat_hello}, [SEAT_LOST] = {NW_SEAT_DOWN, seat_lost}},
    [NW_SEAT_UP] = {[SEAT_LOST] = {NW_SEAT_DOWN, seat_lost}},
};

static bool seat_event(struct nw_seat *seat, enum seat_event event)
{
    const struct transition *transition = &table[seat->state][event];
    if (!transition->act)
        return false;
    seat->state = transition->next;
    nw_threads_changed(seat->engine);
    transition->act(seat);
    return true;
}

const char *nw_seat_state_name(enum nw_seat_state state)
{
    static const char *const names[] = {[NW_SEAT_DOWN] = "down", [NW_SEAT_STARTING] = "starting", [NW_SEAT_UP] = "up"};
    return names[state];
}

static uint64_t now_of(const struct nw_seat *seat)
{
    return nw_io_now(seat->engine->io);
}

/* --- transitions --- */

/* 0 or negative errno. */
static int ask_launcher(struct nw_seat *seat, const struct nw_worker *worker, int worker_socket)
{
    const struct nw_channel *channel = &worker->link->channel;
    const struct nw_options *options = &seat->engine->options;
    const struct nw_control head = {
        .kind = NW_CONTROL_START,
        .worker = worker->number,
        .mode = options->mode,
        .executors = (uint32_t)options->executors,
        .profile = seat->tenant->profile,
        .geometry = nw_options_geometry(options),
    };
    const int fds[] = {worker_socket, channel->memfd, channel->peer_doorbell, channel->own_doorbell};
    return nw_outbox_send(&seat->engine->to_launcher, seat->engine->launcher, &head, NULL, 0, fds, 4);
}

static void seat_start(struct nw_seat *seat)
{
    struct nw_engine *engine = seat->engine;
    int worker_socket, rc;
    seat->worker = nw_worker_new(seat, ++engine->last_worker, control_readable, &worker_socket, &rc);
    if (seat->worker) {
        rc = ask_launcher(seat, seat->worker, worker_socket);
        close(worker_socket);
    }
    if (rc < 0) {
        char text[NW_ERROR_TEXT];
        snprintf(seat->why, sizeof seat->why, "cannot start worker %u: %s", engine->last_worker,
                 nw_error_text(-rc, text));
        if (!engine->ready)
            nw_die_system("%s", seat->why);
        nw_log(NW_LOG_ERROR, "%s; trying again", seat->why);
        seat_event(seat, SEAT_LOST);
        return;
    }
    engine->counters.workers_started++;
    seat->deadline = now_of(seat) + HELLO_MS;
}

static void seat_hello(struct nw_seat *seat)
{
    seat->up_since = now_of(seat);
    seat->why[0] = '\0';
    nw_deployments_seat_up(seat);
}

/* The launcher reaps the process; when that is gone, so is the worker. */
static void kill_worker(struct nw_engine *engine, uint32_t number)
{
    const struct nw_control head = {.kind = NW_CONTROL_KILL, .worker = number};
    if (engine->launcher >= 0 && nw_outbox_send(&engine->to_launcher, engine->launcher, &head, NULL, 0, NULL, 0) < 0)
        nw_log(NW_LOG_ERROR, "cannot tell the launcher to kill worker %u: it does not take messages", number);
}

static void give_up(struct nw_engine *engine, struct nw_worker *worker)
{
    struct nw_link *link = worker->link;
    link->broken = link->broken ? link->broken : "it is not needed any more";
    kill_worker(engine, worker->number);
    nw_nested_link_lost(link);
    nw_dispatch_link_lost(link);
    nw_worker_free(worker);
}

/* What takes its worker along when it is loaded is found out and refused (loads.h): nobody else waits for that. */
static void judge(struct nw_seat *seat, enum nw_loss loss)
{
    bool own = loss != NW_LOSS_OTHER;
    seat->untold = 0;
    nw_deployments_seat_judged(seat, own);
    uint64_t pause =
        nw_backoff_pause(&seat->backoff, own && !seat->lost_loading ? NW_END_OWN : NW_END_OTHER, seat->lived);
    seat->deadline = now_of(seat) + pause;
    if (pause && *seat->why)
        nw_deployments_seat_stuck(seat);
    if (pause)
        nw_log(NW_LOG_WARN, "a worker of tenant \"%s\" keeps ending: it is started again in %llu ms",
               seat->tenant->name, (unsigned long long)pause);
}

static void seat_lost(struct nw_seat *seat)
{
    struct nw_worker *worker = seat->worker;
    enum nw_loss loss = worker ? worker->loss : NW_LOSS_OWN;
    seat->lived = seat->up_since ? now_of(seat) - seat->up_since : 0;
    seat->up_since = 0;
    seat->restarts++;
    nw_deployments_seat_lost(seat);
    seat->untold = worker && loss == NW_LOSS_UNTOLD ? worker->number : 0;
    seat->deadline = now_of(seat) + WORD_MS;
    if (worker) {
        seat->engine->counters.workers_lost++;
        seat->worker = NULL;
        give_up(seat->engine, worker);
        nw_deployments_seat_buried(seat);
    }
    if (!seat->untold)
        judge(seat, loss);
}

static void try_start(struct nw_seat *seat)
{
    if (seat->untold && now_of(seat) >= seat->deadline)
        judge(seat, NW_LOSS_OWN);
    if (seat->state == NW_SEAT_DOWN && seat->engine->launcher >= 0 && !seat->untold && now_of(seat) >= seat->deadline)
        seat_event(seat, SEAT_START);
}

/* --- seats --- */

struct nw_seat *nw_seat_new(struct nw_tenant *tenant, struct nw_deployment *only)
{
    struct nw_seat *seat = calloc(1, sizeof *seat);
    if (!seat)
        return NULL;
    seat->engine = tenant->engine;
    seat->tenant = tenant;
    seat->only = only;
    nw_list_init(&seat->replicas);
    nw_list_append(&tenant->seats, &seat->of_tenant);
    nw_list_append(&seat->engine->seats, &seat->link);
    try_start(seat);
    return seat;
}

void nw_seat_free(struct nw_seat *seat)
{
    if (seat->worker)
        give_up(seat->engine, seat->worker);
    nw_list_remove(&seat->of_tenant);
    nw_list_remove(&seat->link);
    free(seat);
}

void nw_workers_send_kept(struct nw_engine *engine)
{
    nw_list_each(&engine->unsent, at, after) nw_worker_send_kept(nw_container(at, struct nw_worker, outbox_link));
    /* That it is gone is seen where its messages are read. */
    if (engine->to_launcher.n_kept)
        nw_outbox_flush(&engine->to_launcher, engine->launcher);
}

/* `loss`: of what its worker does not say itself. */
static void lose(struct nw_worker *worker, const char *why, enum nw_loss loss)
{
    if (!worker->link->broken || worker->loss == NW_LOSS_UNTOLD)
        worker->loss = loss;
    nw_link_break(worker->link, why);
}

void nw_workers_bury(struct nw_engine *engine)
{
    while (!nw_list_empty(&engine->broken)) {
        struct nw_link *link = nw_container(engine->broken.next, struct nw_link, broken_link);
        const struct nw_worker *worker = link->owner;
        struct nw_seat *seat = worker->seat;
        nw_list_remove(&link->broken_link);
        nw_log(NW_LOG_WARN, "worker %u (pid %lld) is given up: %s; it is restarted", worker->number,
               (long long)worker->pid, link->broken);
        seat_event(seat, SEAT_LOST);
        try_start(seat);
    }
}

/* --- messages --- */

static struct nw_control_message message; /* too large for the stack; one is handled at a time */

static void close_fds(void)
{
    for (int i = 0; i < message.n_fds; i++)
        close(message.fds[i]);
}

/* NULL, or what is wrong with the message. */
static const char *worker_said(struct nw_seat *seat)
{
    const struct nw_control *head = &message.head;
    if (head->kind == NW_CONTROL_HELLO) {
        if (!seat_event(seat, SEAT_HELLO))
            return "it said hello twice";
        nw_log(NW_LOG_INFO, "worker %u is up: %s", seat->worker->number, message.text);
        return NULL;
    }
    if (seat->state != NW_SEAT_UP)
        return "it did not say hello first";
    if (head->kind == NW_CONTROL_USAGE) {
        struct nw_worker *worker = seat->worker;
        worker->domains = head->slots;
        worker->free_keys = (uint32_t)head->value;
        if (head->memory > worker->refused)
            seat->engine->counters.system_calls_refused += head->memory - worker->refused;
        worker->refused = head->memory;
        return NULL;
    }
    return nw_deployments_worker_said(seat, head, message.text);
}

/* A message may have come on the control socket of a worker. */
static void control_readable(void *arg)
{
    struct nw_worker *worker = arg;
    struct nw_link *link = worker->link;
    for (int i = 0; i < MESSAGES_A_TURN && !link->broken; i++) {
        int rc = nw_control_recv(worker->control, &message);
        if (rc == -EAGAIN)
            return;
        if (rc == 0)
            lose(worker, "its control socket was closed", NW_LOSS_UNTOLD);
        else if (rc < 0)
            nw_link_break(link, "it sent a malformed message");
        if (rc <= 0)
            return;
        close_fds();
        const char *wrong = worker_said(worker->seat);
        if (wrong) {
            link->engine->counters.protocol_errors++;
            nw_link_break(link, wrong);
        }
    }
}

static struct nw_worker *worker_of(struct nw_engine *engine, uint32_t number)
{
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->worker && seat->worker->number == number)
            return seat->worker;
    }
    return NULL;
}

/* It was never started, or said by its status that trying again is of no use (nw_die_system, nw_die_usage). */
static bool cannot_run(int64_t value)
{
    int status = (int)value;
    return value < 0 || (WIFEXITED(status) && (WEXITSTATUS(status) == 111 || WEXITSTATUS(status) == 2));
}

static void ended(struct nw_engine *engine, uint32_t number, int64_t value)
{
    bool killed = value >= 0 && nw_backoff_cause((int)value) == NW_END_OTHER;
    enum nw_loss loss = killed ? NW_LOSS_OTHER : NW_LOSS_OWN;
    struct nw_worker *worker = worker_of(engine, number);
    if (worker && value < 0)
        snprintf(worker->seat->why, sizeof worker->seat->why, "%.500s", message.text);
    if (worker)
        lose(worker, "its process ended", loss);
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (!number || seat->untold != number)
            continue;
        judge(seat, loss);
        try_start(seat);
    }
}

static void launcher_said(struct nw_engine *engine)
{
    const struct nw_control *head = &message.head;
    struct nw_worker *worker = worker_of(engine, head->worker);
    if (head->kind == NW_CONTROL_STARTED && worker) {
        worker->pid = head->value;
        if (!engine->layers || worker->seat->tenant->profile == NW_PROFILE_COMPUTE) {
            free(engine->layers);
            engine->layers = strdup(message.text);
        }
    } else if (head->kind == NW_CONTROL_EXITED) {
        if (!engine->ready && cannot_run(head->value))
            nw_die_system("worker %u cannot run here: %s", head->worker, message.text);
        nw_log(NW_LOG_INFO, "worker %u ended: %s", head->worker, message.text);
        ended(engine, head->worker, head->value);
    }
}

static void launcher_gone(struct nw_engine *engine)
{
    if (engine->launcher < 0)
        return;
    nw_io_watch_free(engine->launcher_watch);
    nw_outbox_clear(&engine->to_launcher);
    close(engine->launcher);
    engine->launcher = -1;
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->worker)
            lose(seat->worker, "its launcher is gone", NW_LOSS_OTHER);
        else if (seat->untold)
            judge(seat, NW_LOSS_OTHER);
    }
}

static void launcher_readable(void *arg)
{
    struct nw_engine *engine = arg;
    while (engine->launcher >= 0) {
        int rc = nw_control_recv(engine->launcher, &message);
        if (rc == -EAGAIN)
            return;
        if (rc <= 0) {
            nw_log(NW_LOG_WARN, "the launcher is gone; waiting for another one");
            launcher_gone(engine);
            return;
        }
        close_fds();
        launcher_said(engine);
    }
}

void nw_workers_new_launcher(struct nw_engine *engine, int fd)
{
    launcher_gone(engine);
    nw_workers_bury(engine);
    engine->launcher_watch = nw_io_watch_new(engine->io, fd, launcher_readable, engine);
    if (!engine->launcher_watch) {
        nw_log(NW_LOG_ERROR, "cannot watch the launcher's socket: %s", nw_error_text(errno, (char[NW_ERROR_TEXT]){0}));
        close(fd);
        return;
    }
    engine->launcher = fd;
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        seat->backoff = (struct nw_backoff){{0}};
        seat->deadline = 0;
        try_start(seat);
    }
}

/* --- time --- */

void nw_workers_tick(struct nw_engine *engine)
{
    uint64_t now = nw_io_now(engine->io);
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->state == NW_SEAT_STARTING && now >= seat->deadline)
            nw_link_break(seat->worker->link, "it did not say hello in time");
        else if (seat->state == NW_SEAT_UP)
            nw_deployments_seat_tick(seat);
        try_start(seat);
    }
}

bool nw_workers_all_up(const struct nw_engine *engine)
{
    nw_list_each(&engine->seats, at,
                 after) if (nw_container(at, struct nw_seat, link)->state != NW_SEAT_UP) return false;
    return true;
}

void nw_workers_fini(struct nw_engine *engine)
{
    nw_list_each(&engine->seats, at, after) nw_seat_free(nw_container(at, struct nw_seat, link));
    launcher_gone(engine);
}
