/*
 * A thread beside the main one. What it is told becomes functions, versions, replicas, seats and links of its own,
 * which mirror the main thread's, so that dispatch.c, place.c and link.c work here as they do there. Not responsible
 * for any decision about workers and versions.
 */
#include "engine/threads/thread.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "engine/control/deployments.h"
#include "engine/control/seat.h"
#include "engine/gateway/gateway.h"
#include "engine/http/http.h"
#include "engine/serve/dispatch.h"
#include "engine/serve/function.h"
#include "engine/serve/invocation.h"
#include "engine/serve/link.h"
#include "engine/serve/role.h"
#include "engine/threads/loop.h"
#include <stdio.h>
#include <stdlib.h>

static struct nw_thread *thread_of(struct nw_engine *engine)
{
    return nw_container(engine, struct nw_thread, engine);
}

/* Without memory there is no way to go on that would not leave the main thread waiting for ever. */
static void *must(void *memory)
{
    if (!memory)
        nw_die_system("a thread of the engine is out of memory");
    return memory;
}

static void tell_main(struct nw_thread *thread, const struct nw_thread_mail *what)
{
    struct nw_thread_mail *mail = must(malloc(sizeof *mail));
    *mail = *what;
    mail->mail.read = nw_threads_heard;
    mail->from = thread;
    nw_mail_send(thread->to_main, &mail->mail);
}

/* --- replicas and versions --- */

static struct nw_replica *replica_at(struct nw_list *at)
{
    return nw_container(at, struct nw_replica, of_deployment);
}

static void replica_free(struct nw_replica *replica)
{
    nw_list_remove(&replica->of_deployment);
    nw_list_remove(&replica->of_seat);
    nw_list_remove(&replica->pump_link);
    free(replica);
}

static struct nw_deployment *version_get(struct nw_engine *engine, uint32_t number)
{
    struct nw_deployment *version;
    nw_list_each(&engine->deployments, at, after)
    {
        version = nw_container(at, struct nw_deployment, link);
        if (version->number == number)
            return version;
    }
    version = must(calloc(1, sizeof *version));
    version->engine = engine;
    version->number = number;
    nw_list_init(&version->replicas);
    nw_list_append(&engine->deployments, &version->link);
    return version;
}

static void retire(struct nw_deployment *version)
{
    version->function = NULL;
    version->state = NW_DEPLOYMENT_RETIRING;
}

/* --- workers --- */

static struct nw_seat *seat_of(struct nw_engine *engine, uint32_t worker)
{
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->worker && seat->worker->number == worker)
            return seat;
    }
    return NULL;
}

/* A seat has one worker here: the next one in the same place of the main thread's is told as another. */
static void meet(struct nw_thread *thread, struct nw_told_worker *told)
{
    struct nw_seat *seat = must(calloc(1, sizeof *seat));
    seat->engine = &thread->engine;
    seat->state = NW_SEAT_UP;
    nw_list_init(&seat->replicas);
    seat->worker = must(nw_link_adopt(seat, told->number, &told->channel));
    seat->worker->shown_busy = told->busy;
    seat->worker->origin = told->origin;
    nw_list_append(&thread->engine.seats, &seat->link);
}

static void lose(struct nw_seat *seat)
{
    struct nw_link *link = seat->worker;
    struct nw_engine *engine = seat->engine;
    link->broken = link->broken ? link->broken : "it is not there any more";
    seat->worker = NULL;
    seat->state = NW_SEAT_DOWN;
    engine->reap = true;
    nw_list_each(&seat->replicas, at, after) nw_container(at, struct nw_replica, of_seat)->state = NW_REPLICA_PENDING;
    nw_dispatch_link_lost(link);
    tell_main(thread_of(engine), &(struct nw_thread_mail){.origin = link->origin});
    nw_link_lose(link);
    nw_list_each(&seat->replicas, at, after) nw_dispatch_unqueue(nw_container(at, struct nw_replica, of_seat));
}

static bool is_among(uint32_t number, const uint32_t *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* The main thread hears of a worker that broke the rules here, and says later that it is gone. */
static void bury(struct nw_engine *engine)
{
    while (!nw_list_empty(&engine->broken)) {
        struct nw_link *link = nw_container(engine->broken.next, struct nw_link, broken_link);
        nw_list_remove(&link->broken_link);
        tell_main(thread_of(engine), &(struct nw_thread_mail){.broken = link->number, .why = link->broken});
        lose(link->seat);
    }
}

/* --- what is over --- */

static void reap_version(struct nw_thread *thread, struct nw_deployment *version)
{
    bool retires = version->state == NW_DEPLOYMENT_RETIRING;
    nw_list_each(&version->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        if (!replica->bound && (retires || !replica->seat->worker))
            replica_free(replica);
    }
    if (!retires || !nw_list_empty(&version->replicas))
        return;
    tell_main(thread, &(struct nw_thread_mail){.released = version->number});
    nw_list_remove(&version->link);
    free(version);
}

static void reap(struct nw_engine *engine)
{
    if (!engine->reap)
        return;
    engine->reap = false;
    nw_list_each(&engine->deployments, at, after)
        reap_version(thread_of(engine), nw_container(at, struct nw_deployment, link));
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->worker || !nw_list_empty(&seat->replicas))
            continue;
        nw_list_remove(&seat->link);
        free(seat);
    }
}

/* --- figures --- */

/* Read by the main thread at any time; each figure is right, all together may be of two moments. */
static void show(struct nw_thread *thread)
{
    struct nw_engine *engine = &thread->engine;
#define X(name, text) nw_store_relaxed(&thread->shown.counters.name, engine->counters.name);
    NW_COUNTERS(X)
#undef X
    nw_store_relaxed(&thread->shown.connections, nw_http_server_connections(engine->gateway));
    nw_store_relaxed(&thread->shown.in_flight, engine->in_flight);
    nw_store_relaxed(&thread->shown.undrained, nw_http_server_undrained(engine->gateway));
    nw_list_each(&engine->seats, at, after)
    {
        const struct nw_link *link = nw_container(at, struct nw_seat, link)->worker;
        if (link)
            nw_store_relaxed(link->shown_busy, link->busy);
    }
}

/* --- what is told --- */

/* Which workers serve it: those that do not any more finish what they have. */
static void place(struct nw_deployment *version, const struct nw_told_version *told)
{
    nw_list_each(&version->replicas, at, after)
    {
        struct nw_replica *replica = replica_at(at);
        bool serves = replica->seat->worker && is_among(replica->seat->worker->number, told->workers, told->n_workers);
        replica->state = serves ? NW_REPLICA_SERVING : NW_REPLICA_PENDING;
    }
    for (size_t i = 0; i < told->n_workers; i++) {
        struct nw_seat *seat = seat_of(version->engine, told->workers[i]);
        bool there = false;
        nw_list_each(&version->replicas, at, after) there |= replica_at(at)->seat == seat;
        if (seat && !there)
            must(nw_replica_new(version, seat, NW_REPLICA_SERVING));
    }
}

static void learn(struct nw_engine *engine, const struct nw_told_version *told, uint64_t generation)
{
    struct nw_function *function = must(nw_function_get(engine, told->name));
    struct nw_deployment *version = version_get(engine, told->number);
    if (function->current && function->current != version)
        retire(function->current);
    function->current = version;
    version->function = function;
    version->state = told->state;
    version->told = generation;
    version->manifest.slots = told->slots;
    version->manifest.timeout_ms = told->timeout_ms;
    snprintf(version->reason, sizeof version->reason, "%s", told->reason ? told->reason : "");
    place(version, told);
}

/* What waits looks again; nothing is told of a function that was removed. */
static void review(struct nw_function *function, void *arg)
{
    const struct nw_told *told = arg;
    bool removed = function->current->told != told->generation;
    if (removed) {
        retire(function->current);
        function->current = NULL;
    }
    nw_dispatch_retry_function(function);
    if (removed)
        nw_function_remove(function);
}

void nw_thread_told(void *reader, struct nw_mail *mail)
{
    struct nw_thread *thread = reader;
    struct nw_engine *engine = &thread->engine;
    struct nw_told *told = nw_container(mail, struct nw_told, mail);
    nw_list_each(&told->new_workers, at, after) meet(thread, nw_container(at, struct nw_told_worker, link));
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->worker && !is_among(seat->worker->number, told->workers, told->n_workers))
            lose(seat);
    }
    nw_list_each(&told->versions, at, after)
        learn(engine, nw_container(at, struct nw_told_version, link), told->generation);
    nw_functions_each(engine, review, told);
    engine->reap = true;
    thread->unready = told->unready;
    tell_main(thread, &(struct nw_thread_mail){.applied = told->generation});
    nw_told_free(told);
}

void nw_thread_drain(void *reader, struct nw_mail *mail)
{
    struct nw_engine *engine = &((struct nw_thread *)reader)->engine;
    free(mail);
    engine->drain_deadline = nw_io_now(engine->io) + engine->options.drain_timeout;
    nw_http_server_drain(engine->gateway);
    show(reader);
    tell_main(reader, &(struct nw_thread_mail){.drains = true});
}

void nw_thread_stop(void *reader, struct nw_mail *mail)
{
    free(mail);
    nw_io_stop(((struct nw_thread *)reader)->engine.io);
}

/* --- the thread --- */

static const char *unready(const struct nw_engine *engine)
{
    return nw_container(engine, const struct nw_thread, engine)->unready;
}

static void failed(struct nw_engine *engine, struct nw_function *function, const struct nw_failure *failure)
{
    struct nw_told_failure *told = must(malloc(sizeof *told));
    snprintf(told->name, sizeof told->name, "%s", function->name);
    told->failure = *failure;
    tell_main(thread_of(engine), &(struct nw_thread_mail){.failure = told});
}

static void tend(struct nw_engine *engine)
{
    bury(engine);
    reap(engine);
    show(thread_of(engine));
}

static void tick(struct nw_engine *engine)
{
    (void)engine; /* the main thread watches over workers */
}

static const struct nw_role role = {.tend = tend, .tick = tick, .unready = unready, .failed = failed};

static void remove_function(struct nw_function *function, void *arg)
{
    (void)arg;
    nw_function_remove(function);
}

static void end(struct nw_thread *thread)
{
    struct nw_engine *engine = &thread->engine;
    nw_mailbox_close(&thread->inbox);
    nw_http_server_close(engine->gateway);
    nw_list_each(&engine->seats, at, after)
    {
        struct nw_seat *seat = nw_container(at, struct nw_seat, link);
        if (seat->worker)
            lose(seat);
    }
    nw_engine_close(engine);
    nw_functions_each(engine, remove_function, NULL);
    nw_list_each(&engine->deployments, at, after)
    {
        struct nw_deployment *version = nw_container(at, struct nw_deployment, link);
        nw_list_each(&version->replicas, replica, next) replica_free(replica_at(replica));
        free(version);
    }
    nw_list_each(&engine->seats, at, after) free(nw_container(at, struct nw_seat, link));
}

void *nw_thread_main(void *arg)
{
    struct nw_thread *thread = arg;
    struct nw_engine *engine = &thread->engine;
    nw_engine_init(engine, &role);
    if (nw_mailbox_open(&thread->inbox, engine->io, thread) < 0)
        nw_die_system("a thread of the engine cannot read its mail: out of memory or file descriptors");
    nw_gateway_serve(engine, thread->number);
    nw_engine_serve(engine);
    end(thread);
    return NULL;
}
