/* The main thread's side of threads.h: what the others are told, what they say, and their figures. */
#include "engine/threads/threads.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "common/manifest/control.h"
#include "engine/http/http.h"
#include "engine/logs/origin.h"
#include "engine/serve/function.h"
#include "engine/serve/link.h"
#include "engine/threads/thread.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what they are told --- */

/* False when memory is out: then nobody was told anything. */
static bool tell(struct nw_threads *threads)
{
    struct nw_told *told[NW_CHANNELS_MAX];
    if (!threads->events->news(threads->engine, &threads->lost, told, threads->n))
        return false;
    while (!nw_list_empty(&threads->lost))
        nw_list_remove(threads->lost.next);
    threads->generation++;
    for (unsigned i = 0; i < threads->n; i++) {
        told[i]->generation = threads->generation;
        nw__mail_send(&threads->all[i]->inbox, &told[i]->mail);
    }
    return true;
}

void nw_threads_changed(struct nw_threads *threads)
{
    threads->changed = true;
}

void nw_threads_lost(struct nw_threads *threads, struct nw_channels *channels)
{
    if (!nw_channels_shared(channels))
        return;
    nw_list_append(&threads->lost, &channels->lost);
    threads->changed = true;
}

bool nw_threads_settled(const struct nw_threads *threads)
{
    for (unsigned i = 0; i < threads->n; i++)
        if (threads->changed || threads->all[i]->applied != threads->generation)
            return false;
    return true;
}

static bool all_applied(const struct nw_threads *threads, uint64_t generation)
{
    for (unsigned i = 0; i < threads->n; i++)
        if (threads->all[i]->applied < generation)
            return false;
    return true;
}

void nw_threads_wait(struct nw_threads *threads, struct nw_threads_waiter *waiter)
{
    if (!threads->n) {
        waiter->settled(waiter->arg);
        return;
    }
    waiter->generation = threads->generation + threads->changed;
    nw_list_append(&threads->waiters, &waiter->link);
}

static void call_waiters(struct nw_threads *threads)
{
    while (!nw_list_empty(&threads->waiters)) {
        struct nw_threads_waiter *waiter = nw_container(threads->waiters.next, struct nw_threads_waiter, link);
        if (!all_applied(threads, waiter->generation))
            return;
        nw_list_remove(&waiter->link);
        waiter->settled(waiter->arg);
    }
}

void nw_threads_tend(struct nw_threads *threads)
{
    if (!threads->n)
        return;
    if (threads->changed)
        threads->changed = !tell(threads);
    call_waiters(threads);
}

/* --- what they say --- */

static void let_go(const struct nw_threads *threads, struct nw_channels *channels)
{
    uint32_t worker = channels->worker;
    if (nw__channels_unref(channels))
        threads->events->let_go(threads->engine, worker);
}

static void heard(void *reader, struct nw_mail *mail)
{
    const struct nw_threads *threads = reader;
    struct nw_engine *engine = threads->engine;
    struct nw_thread_mail *said = nw_container(mail, struct nw_thread_mail, mail);
    if (said->applied)
        said->from->applied = said->applied;
    if (said->released)
        threads->events->released(engine, said->released);
    if (said->broken)
        threads->events->broken(engine, said->broken, said->why);
    said->from->drains |= said->drains;
    if (said->suspected)
        threads->events->suspected(engine, said->suspected, said->suspected_worker, &said->suspect);
    if (said->channels)
        let_go(threads, said->channels);
    if (said->failure)
        nw_failure_told(engine, said->failure->name, &said->failure->failure);
    if (said->vacated.deployment)
        threads->events->vacated(engine, said->vacated.deployment, said->vacated.worker);
    struct nw_function *wanted = said->wanted ? nw_function_find(engine, said->wanted, strlen(said->wanted)) : NULL;
    if (wanted)
        nw_function_want(wanted);
    free(said->wanted);
    free(said->failure);
    free(said);
}

/* --- figures --- */

struct nw_thread_figures nw_threads_figures(const struct nw_threads *threads, unsigned i)
{
    const struct nw_engine *engine = threads->engine;
    struct nw_thread_figures figures = {engine->counters, nw_http_server_connections(engine->gateway),
                                        engine->in_flight, nw_http_server_undrained(engine->gateway)};
    if (i == 0)
        return figures;
    const struct nw_thread_figures *shown = &threads->all[i - 1]->shown;
#define X(name, text) figures.counters.name = nw_load_relaxed(&shown->counters.name);
    NW_COUNTERS(X)
#undef X
    figures.connections = nw_load_relaxed(&shown->connections);
    figures.in_flight = nw_load_relaxed(&shown->in_flight);
    figures.undrained = nw_load_relaxed(&shown->undrained);
    return figures;
}

struct nw_thread_figures nw_threads_sum(const struct nw_threads *threads)
{
    struct nw_thread_figures sum = nw_threads_figures(threads, 0);
    for (unsigned i = 1; i <= threads->n; i++) {
        const struct nw_thread_figures figures = nw_threads_figures(threads, i);
#define X(name, text) sum.counters.name += figures.counters.name;
        NW_COUNTERS(X)
#undef X
        sum.connections += figures.connections;
        sum.in_flight += figures.in_flight;
        sum.undrained += figures.undrained;
    }
    return sum;
}

/* --- begin and end --- */

void nw_threads_init(struct nw_threads *threads, struct nw_engine *engine, const struct nw_threads_events *events)
{
    *threads = (struct nw_threads){.engine = engine, .events = events};
    nw_list_init(&threads->waiters);
    nw_list_init(&threads->lost);
}

static void start(struct nw_threads *threads, unsigned i)
{
    struct nw_thread *thread = calloc(1, sizeof *thread);
    int rc = thread ? nw__mailbox_init(&thread->inbox) : -ENOMEM;
    if (rc == 0) {
        thread->engine.options = threads->engine->options;
        thread->engine.origins = nw_origins_of(threads->engine->origins, i + 1);
        thread->to_main = &threads->inbox;
        thread->heard = heard;
        thread->engine.thread = i + 1;
        threads->all[i] = thread;
        rc = -pthread_create(&thread->id, NULL, nw__thread_main, thread);
    }
    char text[NW_ERROR_TEXT];
    if (rc < 0)
        nw_die_system("cannot start a thread: %s", nw_error_text(-rc, text));
}

void nw_threads_start(struct nw_threads *threads)
{
    unsigned n = (unsigned)threads->engine->options.threads - 1;
    if (!n)
        return;
    int rc = nw__mailbox_init(&threads->inbox);
    if (rc == 0)
        rc = nw__mailbox_open(&threads->inbox, threads->engine->io, threads);
    char text[NW_ERROR_TEXT];
    if (rc < 0)
        nw_die_system("cannot start threads: %s", nw_error_text(-rc, text));
    threads->changed = true;
    threads->n = n;
    for (unsigned i = 0; i < n; i++)
        start(threads, i);
}

/* Mail that says nothing but what `read` does. */
static void send_all(const struct nw_threads *threads, void (*read)(void *reader, struct nw_mail *mail))
{
    for (unsigned i = 0; i < threads->n; i++) {
        struct nw_mail *mail = malloc(sizeof *mail);
        if (!mail)
            nw_die_system("cannot stop: out of memory");
        mail->read = read;
        nw__mail_send(&threads->all[i]->inbox, mail);
    }
}

void nw_threads_drain(struct nw_threads *threads)
{
    send_all(threads, nw__thread_drain);
}

bool nw_threads_drained(const struct nw_threads *threads)
{
    for (unsigned i = 0; i < threads->n; i++)
        if (!threads->all[i]->drains)
            return false;
    return nw_threads_sum(threads).undrained == 0;
}

void nw_threads_stop(struct nw_threads *threads)
{
    if (!threads->n)
        return;
    send_all(threads, nw__thread_stop);
    for (unsigned i = 0; i < threads->n; i++) {
        pthread_join(threads->all[i]->id, NULL);
        nw__mailbox_fini(&threads->all[i]->inbox);
    }
    nw__mailbox_read(&threads->inbox);
    nw__mailbox_close(&threads->inbox);
    nw__mailbox_fini(&threads->inbox);
}

void nw_threads_free(struct nw_threads *threads)
{
    for (unsigned i = 0; i < threads->n; i++)
        free(threads->all[i]);
}
