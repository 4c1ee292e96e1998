/*
 * The life of a worker, told from its seat:
 *
 *             START               HELLO
 *   DOWN ───────────> STARTING ───────────> UP
 *    ^                   │ LOST              │ LOST
 *    └───────────────────┴───────────────────┘   (with a pause when it keeps happening: see common/host/backoff.h)
 *
 * START: there is a launcher and the pause is over. LOST: the process ended, its control socket closed, the launcher
 * went away, it broke the protocol, it was stopped, or it did not say HELLO in time; whatever it was, the worker is
 * killed, in case that it still runs. The pause depends on whether the worker ended by itself. While only the closed
 * socket is known, the seat waits for the launcher to say how the process ended; and if it ended by itself, for the
 * other threads of the engine to say what they had begun there.
 */
#include "engine/workers/seats.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "common/host/error_text.h"
#include "common/manifest/control.h"
#include "common/manifest/resources.h"
#include "engine/dispatch/dispatch.h"
#include "engine/dispatch/nested.h"
#include "engine/dispatch/receive.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/threads/channels.h"
#include "engine/threads/threads.h"
#include "engine/workers/seat.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES_A_TURN 32            /* handled of one worker in a turn, so that none keeps the loop to itself ... */
#define BYTES_A_TURN    (64ul * 1024) /* ... and no more than about so many of their text */
#define HELLO_MS        10000
#define KEYS_MOST       15   /* the hardware keys of a processor but key 0: no worker can have more */
#define EMPTY_MS        5000 /* a grown seat goes when it has had no replica for so long */
#define WORD_MS         1000 /* ample time for all to say what they know of a lost worker: they do at once */

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

bool nw_seat_is_valid(const struct nw_seat *seat)
{
    bool has_worker = seat->state != NW_SEAT_DOWN;
    return has_worker == (seat->worker != NULL) && (!has_worker || seat->worker->seat == seat) &&
           (!has_worker || (!seat->untold && !seat->unheard)) &&
           ((!seat->loading && !seat->retiring) || seat->state == NW_SEAT_UP) &&
           seat->load_slots <= NW_LIMIT_LOAD_SLOTS;
}

/* False: the event does not fit the state, and nothing changed. */
static bool seat_move(struct nw_seat *seat, enum seat_event event)
{
    const struct transition *transition = &table[seat->state][event];
    if (!transition->act)
        return false;
    seat->all->starting -= seat->state == NW_SEAT_STARTING;
    seat->state = transition->next;
    seat->all->starting += seat->state == NW_SEAT_STARTING;
    nw_seat_attend(seat);
    nw_threads_changed(seat->all->threads);
    transition->act(seat);
    nw_check_valid(nw_seat, seat);
    return true;
}

const char *nw_seat_state_name(enum nw_seat_state state)
{
    static const char *const names[] = {[NW_SEAT_DOWN] = "down", [NW_SEAT_STARTING] = "starting", [NW_SEAT_UP] = "up"};
    return names[state];
}

void nw_seat_attend(struct nw_seat *seat)
{
    if (nw_list_empty(&seat->attended))
        nw_list_append(&seat->all->attended, &seat->attended);
}

static uint64_t now_of(const struct nw_seat *seat)
{
    return nw_io_now(seat->all->engine->io);
}

/* --- transitions --- */

/* 0 or negative errno. */
static int ask_launcher(struct nw_seat *seat, const struct nw_worker *worker, int worker_socket)
{
    const struct nw_channel *channel = &worker->link->channel;
    const struct nw_options *options = &seat->all->engine->options;
    const struct nw_control head = {
        .kind = NW_CONTROL_START,
        .worker = worker->number,
        .mode = options->mode,
        .executors = (uint32_t)options->executors,
        .policy = options->policy,
        .profile = seat->tenant->profile,
        .geometry = nw_options_geometry(options),
    };
    const int fds[] = {worker_socket, channel->memfd, channel->peer_doorbell, channel->own_doorbell};
    return nw__launcher_start(&seat->all->launcher, &head, fds);
}

static void forget_number(struct nw_seat *seat)
{
    if (seat->numbered)
        nw_table_remove(&seat->all->by_number, &seat->by_number);
    seat->numbered = 0;
}

/* 0 or -ENOMEM. */
static int set_number(struct nw_seat *seat, uint32_t number)
{
    forget_number(seat);
    int rc = nw_table_add(&seat->all->by_number, &seat->by_number, nw_table_hash(&number, sizeof number));
    seat->numbered = rc == 0 ? number : 0;
    return rc;
}

static void seat_start(struct nw_seat *seat)
{
    struct nw_engine *engine = seat->all->engine;
    int worker_socket, rc;
    seat->worker = nw__worker_new(seat, ++seat->all->last_number, control_readable, &worker_socket, &rc);
    if (seat->worker) {
        rc = set_number(seat, seat->worker->number);
        rc = rc < 0 ? rc : ask_launcher(seat, seat->worker, worker_socket);
        close(worker_socket);
    }
    if (rc < 0) {
        char text[NW_ERROR_TEXT];
        snprintf(seat->why, sizeof seat->why, "cannot start worker %u: %s", seat->all->last_number,
                 nw_error_text(-rc, text));
        if (!seat->all->proven)
            nw_die_system("%s", seat->why);
        if (!seat->stuck)
            nw_log(NW_LOG_ERROR, "%s; trying again", seat->why);
        seat_move(seat, SEAT_LOST);
        return;
    }
    engine->counters.workers_started++;
    seat->deadline = now_of(seat) + HELLO_MS;
}

static void seat_hello(struct nw_seat *seat)
{
    seat->up_since = now_of(seat);
    seat->why[0] = '\0';
    seat->stuck = false;
    seat->all->proven = true;
    if (seat->worker->channels)
        nw_list_append(&seat->all->fresh, &seat->fresh);
    seat->all->events->up(seat);
}

/* The launcher kills and reaps the process. Where there is no launcher, the worker went with it. */
static void give_up(struct nw_worker *worker)
{
    struct nw_link *link = worker->link;
    nw_list_remove(&worker->seat->fresh);
    nw_threads_lost(worker->seat->all->threads, worker->channels);
    nw_link_lose(link, "it is not needed any more");
    nw__launcher_kill(&worker->seat->all->launcher, worker->number);
    nw_nested_link_lost(link);
    nw_receive_last(link);
    nw_dispatch_link_lost(link);
    nw__worker_free(worker);
}

/* A function that ends its worker is found (versions/loads.h), and waits by itself; the next start need not. */
static void judge(struct nw_seat *seat)
{
    bool own = seat->lost_own;
    seat->untold = 0;
    seat->unheard = false;
    bool blamed = seat->all->events->judged(seat, own);
    uint64_t pause = nw_backoff_pause(&seat->backoff, own && !blamed ? NW_END_OWN : NW_END_OTHER, seat->lived);
    seat->deadline = now_of(seat) + pause;
    seat->stuck = pause && *seat->why;
    if (seat->stuck)
        seat->all->events->stuck(seat);
    else if (pause)
        nw_log(NW_LOG_WARN, "a worker of tenant \"%s\" keeps ending: it is started again in %llu ms",
               seat->tenant->name, (unsigned long long)pause);
}

/* Nobody is blamed for a kill, whatever had begun. */
static void judge_if_known(struct nw_seat *seat)
{
    if (!seat->untold && (!seat->unheard || !seat->lost_own))
        judge(seat);
}

void nw__seat_told(struct nw_seat *seat, enum nw_loss loss)
{
    seat->untold = 0;
    seat->lost_own = loss != NW_LOSS_OTHER;
    judge_if_known(seat);
}

void nw__seat_heard(struct nw_seat *seat)
{
    if (!seat->unheard)
        return;
    seat->unheard = false;
    judge_if_known(seat);
    nw__seat_try_start(seat);
}

static void seat_lost(struct nw_seat *seat)
{
    struct nw_worker *worker = seat->worker;
    enum nw_loss loss = worker ? worker->loss : NW_LOSS_OWN;
    seat->lived = seat->up_since ? now_of(seat) - seat->up_since : 0;
    seat->lost_own = loss != NW_LOSS_OTHER;
    seat->up_since = 0;
    seat->restarts++;
    seat->all->events->lost(seat);
    seat->untold = worker && loss == NW_LOSS_UNTOLD ? worker->number : 0;
    seat->unheard = worker && nw_channels_shared(worker->channels);
    seat->deadline = now_of(seat) + WORD_MS;
    if (worker) {
        seat->all->engine->counters.workers_lost++;
        seat->worker = NULL;
        give_up(worker);
        seat->all->events->buried(seat);
    }
    judge_if_known(seat);
}

void nw__seat_try_start(struct nw_seat *seat)
{
    if ((seat->untold || seat->unheard) && now_of(seat) >= seat->deadline)
        judge(seat);
    if (seat->state != NW_SEAT_DOWN || !nw_launcher_is_there(&seat->all->launcher) || seat->untold || seat->unheard ||
        now_of(seat) < seat->deadline || !nw_list_empty(&seat->due))
        return;
    if (seat->all->starting < NW_STARTS_AT_ONCE)
        seat_move(seat, SEAT_START);
    else
        nw_list_append(&seat->all->due, &seat->due);
}

/* --- seats --- */

struct nw_seat *nw_seat_new(struct nw_tenant *tenant, struct nw_deployment *only)
{
    struct nw_seat *seat = calloc(1, sizeof *seat);
    if (!seat)
        return NULL;
    seat->all = tenant->all;
    seat->tenant = tenant;
    seat->only = only;
    nw_list_init(&seat->replicas);
    nw_list_init(&seat->attended);
    nw_list_init(&seat->due);
    nw_list_init(&seat->fresh);
    nw_seat_attend(seat);
    nw_list_append(&tenant->seats, &seat->of_tenant);
    nw_list_append(&seat->all->seats, &seat->link);
    nw__seat_try_start(seat);
    return seat;
}

struct nw_seat *nw_seat_grow(struct nw_tenant *tenant)
{
    struct nw_seat *seat = nw_seat_new(tenant, NULL);
    if (seat)
        seat->grown = true;
    return seat;
}

void nw_seat_walk_begin(struct nw_workers *all, struct nw_seat_walk *walk)
{
    walk->all = all;
    walk->next = all->seats.next;
    nw_list_append(&all->walks, &walk->link);
}

struct nw_seat *nw_seat_walk_next(struct nw_seat_walk *walk)
{
    struct nw_list *at = walk->next;
    if (at == &walk->all->seats)
        return NULL;
    walk->next = at->next;
    return nw_container(at, struct nw_seat, link);
}

void nw_seat_walk_end(struct nw_seat_walk *walk)
{
    nw_list_remove(&walk->link);
}

static void step_aside(const struct nw_seat *seat)
{
    nw_list_each(&seat->all->walks, at, after)
    {
        struct nw_seat_walk *walk = nw_container(at, struct nw_seat_walk, link);
        if (walk->next == &seat->link)
            walk->next = seat->link.next;
    }
}

void nw_seat_free(struct nw_seat *seat)
{
    step_aside(seat);
    seat->all->starting -= seat->state == NW_SEAT_STARTING;
    if (seat->worker)
        give_up(seat->worker);
    nw_list_remove(&seat->attended);
    nw_list_remove(&seat->due);
    forget_number(seat);
    nw_list_remove(&seat->of_tenant);
    nw_list_remove(&seat->link);
    free(seat);
}

void nw__seat_lose(struct nw_seat *seat, const char *why, enum nw_loss loss)
{
    struct nw_worker *worker = seat->worker;
    if (!worker->link->broken || worker->loss == NW_LOSS_UNTOLD)
        worker->loss = loss;
    nw_link_break(worker->link, why);
}

void nw__seat_bury(struct nw_seat *seat)
{
    const struct nw_worker *worker = seat->worker;
    nw_log(NW_LOG_WARN, "worker %u (pid %lld) is given up: %s; it is restarted", worker->number, (long long)worker->pid,
           worker->link->broken);
    seat_move(seat, SEAT_LOST);
    nw__seat_try_start(seat);
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
        if (!seat_move(seat, SEAT_HELLO))
            return "it said hello twice";
        if (seat->all->keys && head->value > 0 && head->value <= KEYS_MOST)
            seat->all->keys = (unsigned)head->value;
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
            seat->all->engine->counters.system_calls_refused += head->memory - worker->refused;
        worker->refused = head->memory;
        return NULL;
    }
    return seat->all->events->said(seat, &message);
}

/* The control socket of a worker may have messages, or be closed. */
static void control_readable(void *arg)
{
    struct nw_worker *worker = arg;
    struct nw_link *link = worker->link;
    size_t bytes = 0;
    for (int i = 0; i < MESSAGES_A_TURN && bytes < BYTES_A_TURN && !link->broken; i++) {
        int rc = nw_control_recv(worker->control, &message);
        if (rc == -EAGAIN)
            return;
        if (rc == 0)
            nw__seat_lose(worker->seat, "its control socket was closed", NW_LOSS_UNTOLD);
        else if (rc < 0)
            nw_link_break(link, "it sent a malformed message");
        if (rc <= 0)
            return;
        bytes += message.head.text_len;
        const char *wrong = worker_said(worker->seat);
        close_fds();
        if (wrong) {
            link->engine->counters.protocol_errors++;
            nw_link_break(link, wrong);
        }
    }
}

bool nw__seat_is_spare(struct nw_seat *seat)
{
    if (!seat->grown || !nw_list_empty(&seat->replicas))
        seat->empty_since = 0;
    else if (!seat->empty_since)
        seat->empty_since = now_of(seat);
    return seat->empty_since && now_of(seat) - seat->empty_since >= EMPTY_MS;
}

void nw__seat_tick(struct nw_seat *seat)
{
    if (seat->state == NW_SEAT_STARTING && now_of(seat) >= seat->deadline)
        nw_link_break(seat->worker->link, "it did not say hello in time");
    else if (seat->state == NW_SEAT_UP)
        seat->all->events->tick(seat);
    nw__seat_try_start(seat);
}
