/* One of the other threads of the engine (see threads.h): what it is told, and what it tells. */
#ifndef NW_ENGINE_THREADS_THREAD_H
#define NW_ENGINE_THREADS_THREAD_H

#include "common/manifest/manifest.h"
#include "engine/gateway/failures.h"
#include "engine/lookup/table.h"
#include "engine/placement/blame.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/threads/channels.h"
#include "engine/threads/mail.h"
#include "engine/threads/threads.h"
#include <pthread.h>

struct nw_deployment;
struct nw_meter;

/* A version that is the current one of its function; or, RETIRED, is that no more. */
struct nw_told_version {
    struct nw_list link;
    char name[NW_NAME_MAX + 1];
    struct nw_deployment *deployment; /* what the main thread knows it by, good until the thread has released it */
    uint32_t number;
    uint32_t slots, timeout_ms, queue;
    bool http;
    enum nw_version_state state;
    char *reason;           /* when it failed, else NULL */
    char *cors;             /* when it has origins, else NULL */
    struct nw_meter *meter; /* a reference; NULL when it is RETIRED */
    size_t n_workers;
    uint32_t workers[]; /* that serve it, by number */
};

/* Who gets the requests for a name from now on. */
struct nw_told_route {
    struct nw_list link;
    char name[NW_NAME_MAX + 1];
    struct nw_route *route; /* a reference; NULL: the function of that name */
};

struct nw_told_route *nw_told_route_new(const char *name, struct nw_route *route); /* takes a reference of its own */
void nw_told_route_free(struct nw_told_route *route);

/* What has changed since the last one; all there is, the first time. */
struct nw_told {
    struct nw_mail mail;
    uint64_t generation;
    const char *unready; /* why the host is not ready; NULL when it is */
    struct nw_list new_workers;
    struct nw_list versions; /* each told whole */
    struct nw_list routes;
    size_t n_lost;
    uint32_t lost[]; /* workers that there are no more, by number */
};

/* Of a function by this name. */
struct nw_told_failure {
    char name[NW_NAME_MAX + 1];
    struct nw_failure failure;
};

/* A version in a worker. */
struct nw_thread_place {
    struct nw_deployment *deployment;
    uint32_t worker;
};

/* What a thread tells the main one; what is 0 is not told. */
struct nw_thread_mail {
    struct nw_mail mail;
    struct nw_thread *from;
    uint64_t applied;               /* it acts on this generation */
    struct nw_deployment *released; /* a version that is no current one, and that it has nothing under way for */
    uint32_t broken;                /* a worker that broke the protocol: why */
    const char *why;                /* static text */
    bool drains;                    /* it takes no more invocations */
    struct nw_channels *channels;   /* it does not use those of this worker any more */
    struct nw_told_failure *failure;
    char *wanted;                   /* a function that no worker serves is called */
    struct nw_thread_place vacated; /* is not served there any more, and the thread has nothing under way for it */
    uint32_t suspected;             /* this version: the lost worker had begun invocations of it for the thread */
    uint32_t suspected_worker;
    struct nw_suspect suspect; /* ... how many, and how many it had completed; told before `channels` */
};

struct nw_thread {
    struct nw_engine engine;          /* its own */
    struct nw_list versions, workers; /* as it was told */
    struct nw_list ending;            /* of the versions, those that end or are in fewer workers than they were */
    struct nw_table by_number;        /* the versions */
    struct nw_mailbox inbox;
    struct nw_mailbox *to_main;
    void (*heard)(void *reader, struct nw_mail *mail); /* `read` of what it sends there */
    pthread_t id;
    const char *unready;
    uint64_t applied; /* the main thread's, as is the next */
    bool drains;
    struct nw_thread_figures shown; /* written by the thread, read by the main one, relaxed */
};

/* Serves until it is told to stop. `arg` is the thread. */
void *nw__thread_main(void *arg);

/* `read` of mail to a thread: what is told (a struct nw_told), and mail without more. */
void nw__thread_told(void *reader, struct nw_mail *mail);
void nw__thread_drain(void *reader, struct nw_mail *mail);
void nw__thread_stop(void *reader, struct nw_mail *mail);

/* An empty one with room for the numbers of so many lost workers. NULL when memory is out. */
struct nw_told *nw_told_new(size_t n_lost);

/* Frees what is told, also when it was never read. */
void nw_told_free(struct nw_told *told);

#endif
