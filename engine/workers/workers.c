/* See workers.h. */
#include "engine/workers/workers.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/threads/threads.h"
#include "engine/workers/seats.h"
#include "engine/workers/stopped.h"
#include "engine/workers/tenant.h"
#include "engine/workers/worker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define KEYS_USUAL 13 /* keys of a worker, until the first one has said how many it has */

static struct nw_seat *seat_at(struct nw_list *at)
{
    return nw_container(at, struct nw_seat, link);
}

static struct nw_seat *attended_at(struct nw_list *at)
{
    return nw_container(at, struct nw_seat, attended);
}

struct nw_seat *nw_workers_seat(const struct nw_workers *all, uint32_t number)
{
    uint64_t hash = nw_table_hash(&number, sizeof number);
    for (struct nw_table_node *node = nw_table_first(&all->by_number, hash); node; node = nw_table_next(node)) {
        struct nw_seat *seat = nw_container(node, struct nw_seat, by_number);
        if (seat->numbered == number)
            return seat;
    }
    return NULL;
}

static struct nw_worker *worker_of(struct nw_workers *all, uint32_t number)
{
    struct nw_seat *seat = nw_workers_seat(all, number);
    return seat ? seat->worker : NULL;
}

/* --- what the launcher says --- */

static void started(void *arg, uint32_t number, int64_t pid, const char *layers)
{
    struct nw_workers *all = arg;
    struct nw_worker *worker = worker_of(all, number);
    if (!worker)
        return;
    worker->pid = pid;
    if (!all->layers || worker->seat->tenant->profile == NW_PROFILE_COMPUTE) {
        free(all->layers);
        all->layers = strdup(layers);
    }
}

/* Whether trying again is of no use: it was never started, or ended by nw_die_system (111) or nw_die_usage (2). */
static bool cannot_run(int64_t status)
{
    int code = (int)status;
    return status < 0 || (WIFEXITED(code) && (WEXITSTATUS(code) == 111 || WEXITSTATUS(code) == 2));
}

static void exited(void *arg, uint32_t number, int64_t status, const char *why)
{
    struct nw_workers *all = arg;
    if (!all->proven && cannot_run(status))
        nw_die_system("worker %u cannot run here: %s", number, why);
    nw_log(NW_LOG_INFO, "worker %u ended: %s", number, why);
    bool killed = status >= 0 && nw_backoff_cause((int)status) == NW_END_OTHER;
    enum nw_loss loss = killed ? NW_LOSS_OTHER : NW_LOSS_OWN;
    struct nw_seat *seat = nw_workers_seat(all, number);
    if (!seat)
        return;
    if (status < 0)
        snprintf(seat->why, sizeof seat->why, "%.500s", why);
    if (seat->worker) {
        nw__seat_lose(seat, "its process ended", loss);
    } else if (seat->untold) {
        nw__seat_told(seat, loss);
        nw__seat_try_start(seat);
    }
}

static void gone(void *arg)
{
    struct nw_workers *all = arg;
    nw_list_each(&all->seats, at, after)
    {
        struct nw_seat *seat = seat_at(at);
        if (seat->worker)
            nw__seat_lose(seat, "its launcher is gone", NW_LOSS_OTHER);
        else if (seat->untold)
            nw__seat_told(seat, NW_LOSS_OTHER);
    }
}

static const struct nw_launcher_events launcher_events = {.started = started, .exited = exited, .gone = gone};

void nw_workers_new_launcher(struct nw_workers *all, int socket)
{
    if (nw_launcher_is_there(&all->launcher)) {
        nw__launcher_leave(&all->launcher);
        gone(all);
    }
    nw_workers_bury(all);
    char text[NW_ERROR_TEXT];
    int rc = nw__launcher_meet(&all->launcher, socket);
    if (rc < 0) {
        nw_log(NW_LOG_ERROR, "cannot watch the launcher's socket: %s", nw_error_text(-rc, text));
        return;
    }
    nw_list_each(&all->seats, at, after)
    {
        struct nw_seat *seat = seat_at(at);
        seat->backoff = (struct nw_backoff){{0}};
        seat->deadline = 0;
        nw__seat_try_start(seat);
    }
}

/* At the end of the engine nobody starts workers any more. */
void nw_workers_let_go(struct nw_workers *all, uint32_t number)
{
    struct nw_seat *seat = all->engine->ended ? NULL : nw_workers_seat(all, number);
    if (seat)
        nw__seat_heard(seat);
}

/* --- in each turn --- */

void nw_workers_bury(struct nw_workers *all)
{
    struct nw_list *broken = &all->engine->broken;
    while (!nw_list_empty(broken)) {
        struct nw_link *link = nw_container(broken->next, struct nw_link, broken_link);
        const struct nw_worker *worker = link->owner;
        nw_list_remove(&link->broken_link);
        nw__seat_bury(worker->seat);
    }
}

void nw_workers_send_kept(struct nw_workers *all)
{
    nw_list_each(&all->unsent, at, after) nw__worker_send_kept(nw_container(at, struct nw_worker, outbox_link));
    nw__launcher_send_kept(&all->launcher);
}

void nw_workers_start_due(struct nw_workers *all)
{
    while (!nw_list_empty(&all->due) && all->starting < NW_STARTS_AT_ONCE) {
        struct nw_seat *seat = nw_container(all->due.next, struct nw_seat, due);
        nw_list_remove(&seat->due);
        nw__seat_try_start(seat);
    }
}

void nw_workers_tick(struct nw_workers *all)
{
    nw__stopped_tick(all);
    nw_list_each(&all->attended, at, after)
    {
        struct nw_seat *seat = attended_at(at);
        nw__seat_tick(seat);
        if (nw__seat_is_spare(seat)) {
            nw_seat_free(seat);
            nw_threads_changed(all->threads);
        } else if (seat->state == NW_SEAT_UP && !seat->loading && !seat->retiring && !seat->empty_since &&
                   !seat->late_until) {
            nw_list_remove(&seat->attended);
        }
    }
}

bool nw_workers_all_up(const struct nw_workers *all)
{
    nw_list_each(&all->attended, at, after)
    {
        if (attended_at(at)->state != NW_SEAT_UP && !attended_at(at)->grown)
            return false;
    }
    return true;
}

bool nw_workers_settled(const struct nw_workers *all)
{
    nw_list_each(&all->attended, at, after)
    {
        const struct nw_seat *seat = attended_at(at);
        if (seat->state != NW_SEAT_UP && !seat->grown && !seat->stuck)
            return false;
    }
    return true;
}

/* --- begin and end --- */

void nw_workers_init(struct nw_workers *all, struct nw_engine *engine, struct nw_threads *threads,
                     const struct nw_seat_events *events)
{
    *all = (struct nw_workers){.engine = engine, .threads = threads, .events = events};
    all->keys = engine->options.mode == NW_MODE_MPK ? KEYS_USUAL : 0;
    nw_list_init(&all->tenants);
    nw_list_init(&all->seats);
    nw_list_init(&all->walks);
    nw_list_init(&all->attended);
    nw_list_init(&all->due);
    nw_list_init(&all->fresh);
    nw_list_init(&all->unsent);
    nw__launcher_init(&all->launcher, engine->io, &launcher_events, all);
}

void nw_workers_fini(struct nw_workers *all)
{
    nw_list_each(&all->seats, at, after) nw_seat_free(seat_at(at));
    nw_table_fini(&all->by_number);
    nw__launcher_leave(&all->launcher);
    free(all->layers);
}
