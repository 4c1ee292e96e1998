/*
 * What the parts of the chaos test share: chaos.c runs the actors and judges, chaos_act.c is what they do,
 * chaos_host.c looks at the host from outside.
 */
#ifndef NW_ENGINE_TEST_E2E_CHAOS_CHAOS_H
#define NW_ENGINE_TEST_E2E_CHAOS_CHAOS_H

#include "common/base/atomic.h"
#include "engine/test/e2e/tools/load_http.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHAOS_WORKERS_MAX  64
#define CHAOS_STATUSES_MAX 600

struct chaos {
    struct load_target gateway; /* without a path */
    char admin[108];            /* the admin socket */
    const char *build;          /* where functions and attacks lie */
    pid_t host;                 /* nightward up */
    bool keyed;                 /* mode mpk */
    bool stop;
    /* totals of all actors; written with `lock` held */
    pthread_mutex_t lock;
    long sent, left, lost, mixed, extra; /* requests that were whole; of these those whose client did not wait */
    long answers[CHAOS_STATUSES_MAX];
    long deploys, refusals, removals, workers_killed, launchers_killed, greedy, nuisances;
};

struct actor {
    struct chaos *chaos;
    uint64_t random;
};

/* The bad time is over. Relaxed on both sides: nothing else is told by it. */
static inline bool chaos_over(const struct chaos *chaos)
{
    return nw_load_relaxed(&chaos->stop);
}

/* The actors. Each runs until chaos_over. */
void *chaos_load(void *actor);
void *chaos_fault(void *actor);
void *chaos_attack(void *actor);
void *chaos_greedy(void *actor);
void *chaos_operate(void *actor);
void *chaos_kill(void *actor);
void *chaos_annoy(void *actor);

/* A number below `below`, from the actor's own sequence. */
uint64_t chaos_random(struct actor *actor, uint64_t below);
void chaos_pause(const struct actor *actor, unsigned ms); /* ends early with the test */

/* Deploys a file under a name and with a query like "slots=4", or removes a function. The status, or -1. */
int chaos_deploy(struct chaos *chaos, const char *name, const char *query, const char *path);
int chaos_remove(struct chaos *chaos, const char *name);

/* Calls once on a connection of its own. The status, or -1; `output` gets the body, NUL-terminated and cut to size. */
int chaos_call(struct chaos *chaos, const char *name, const char *input, char *output, size_t size);

/* --- the host from outside --- */

struct chaos_view {
    bool valid, ready;
    long engine, connections, in_flight, deployments;
    long requests, completed, failed, abandoned;
    int n_workers, n_up;
    long domains, free_keys; /* of all workers together; -1 free keys where there are none */
    pid_t workers[CHAOS_WORKERS_MAX];
};

/* What `nightward status` tells. */
struct chaos_view chaos_look(struct chaos *chaos);

/* What a process, or all of the host, has open or running. */
struct chaos_usage {
    long processes;
    long engine_fds, engine_memory_kib;
    long workers;
    long worker_fds;                                                              /* of the worker that has most open */
    pid_t widest;                                                                 /* that one */
    long worker_snapshots, worker_threads, worker_memory_kib, domains, free_keys; /* of all workers together */
    long launcher_fds, host_fds;
};
struct chaos_usage chaos_measure(const struct chaos *chaos, const struct chaos_view *view);

pid_t chaos_parent(pid_t pid);

#endif
