/*
 * The other threads of the engine, seen from the main one, which keeps registry, deployments, tenants, workers and the
 * admin API. Each of the others (thread.c) serves HTTP with sockets, a loop, and a channel to every worker of its own,
 * so that a request stays where it came in. What they must know is told to them each time it changes: which workers
 * there are, and which version of which function they serve.
 */
#ifndef NW_ENGINE_THREADS_THREADS_H
#define NW_ENGINE_THREADS_THREADS_H

#include "common/shm/channel.h"
#include "engine/base/list.h"
#include "engine/serve/counters.h"
#include "engine/threads/mail.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_channels;
struct nw_deployment;
struct nw_engine;
struct nw_suspect;
struct nw_thread;
struct nw_told;

/* Somebody who waits until every thread has applied all changes so far. */
struct nw_threads_waiter {
    struct nw_list link;
    uint64_t generation;
    void (*settled)(void *arg);
    void *arg;
};

/* What they need of those who decide about workers and versions. */
struct nw_threads_events {
    /* Fills in what is news to each of `n` threads, of whose workers some are `lost`. False when memory is out: nobody
     * is told anything. */
    bool (*news)(struct nw_engine *engine, const struct nw_list *lost, struct nw_told **told, unsigned n);

    /* A thread does not use this version any more, which it had been told of and which was removed since. */
    void (*released)(struct nw_engine *engine, struct nw_deployment *deployment);

    /* The same, in this worker, which was told not to serve it any more. */
    void (*vacated)(struct nw_engine *engine, const struct nw_deployment *deployment, uint32_t worker);

    /* This worker, which a thread has lost, had begun invocations of this version for it. */
    void (*suspected)(struct nw_engine *engine, uint32_t version, uint32_t worker, const struct nw_suspect *suspect);

    /* Every thread has let go of this worker, which was given up, and has said what it had begun. */
    void (*let_go)(struct nw_engine *engine, uint32_t worker);

    /* A worker broke the protocol on the ring of a thread. `why` is static text. */
    void (*broken)(struct nw_engine *engine, uint32_t worker, const char *why);
};

/* The main thread's. */
struct nw_threads {
    struct nw_engine *engine; /* the main one's */
    const struct nw_threads_events *events;
    struct nw_mailbox inbox;
    bool changed;        /* since they were told last */
    struct nw_list lost; /* the channels of workers that they are to be told of as lost */
    uint64_t generation; /* what they were told last */
    struct nw_list waiters;
    unsigned n; /* 0: there are no others, or not yet */
    struct nw_thread *all[NW_CHANNELS_MAX];
};

void nw_threads_init(struct nw_threads *threads, struct nw_engine *engine, const struct nw_threads_events *events);

/* Makes and starts the threads that the options ask for beside the main one, whose gateway has started. Ends the
 * process with a message when it cannot. */
void nw_threads_start(struct nw_threads *threads);

/* Something has changed that the others must know. */
void nw_threads_changed(struct nw_threads *threads);

/* A worker is lost; to be called before its channels are closed, which may be NULL. */
void nw_threads_lost(struct nw_threads *threads, struct nw_channels *channels);

/* Tells them, before the loop waits. */
void nw_threads_tend(struct nw_threads *threads);

/* Whether every thread has applied all changes so far; calls back when they have, at once when there are no others. */
bool nw_threads_settled(const struct nw_threads *threads);
void nw_threads_wait(struct nw_threads *threads, struct nw_threads_waiter *waiter);

/* What one thread has done and is doing; each figure is right, all together may be of two moments. */
struct nw_thread_figures {
    struct nw_counters counters;
    unsigned connections, in_flight;
    unsigned undrained; /* see nw_http_server_undrained */
};

/* Of thread `i` of options.threads, the main one first. */
struct nw_thread_figures nw_threads_figures(const struct nw_threads *threads, unsigned i);

/* All threads together. */
struct nw_thread_figures nw_threads_sum(const struct nw_threads *threads);

/* They end their connections with the last answer; whether all have. */
void nw_threads_drain(struct nw_threads *threads);
bool nw_threads_drained(const struct nw_threads *threads);

/* Ends them; and, when no worker is left, frees what is. */
void nw_threads_stop(struct nw_threads *threads);
void nw_threads_free(struct nw_threads *threads);

#endif
