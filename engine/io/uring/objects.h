/*
 * What each object of the io_uring backend is made of, and what must hold of it. An object is touched by the file that
 * is named after it, and by the test that breaks it.
 */
#ifndef NW_ENGINE_IO_URING_OBJECTS_H
#define NW_ENGINE_IO_URING_OBJECTS_H

#include "engine/io/uring/private.h"

struct nw__uring_listener {
    struct nw_io_listener base;
    struct nw__uring *uring;
    struct nw__ending ending;
    struct nw__op accept;
    struct nw_io_timer *retry; /* runs while there are no descriptors for another connection */
    bool closing;
};

/* It accepts or waits until it may try again, unless it is closing: then nothing is started on its descriptor. */
bool nw__uring_listener_is_valid(const struct nw__uring_listener *listener);

struct nw__uring_watch {
    struct nw_io_watch base;
    struct nw__uring *uring;
    struct nw__ending ending;
    struct nw__op poll;
    int fd;
    bool freed;
};

/* Nothing is started for one that is freed, and nothing taken back before. */
bool nw__uring_watch_is_valid(const struct nw__uring_watch *watch);

struct nw__uring_bell {
    struct nw_io_bell base;
    struct nw__uring *uring;
    struct nw_list link; /* in nw__uring.bells, while it is to be rung */
};

struct nw__uring_timer {
    struct nw_io_timer base;
    struct nw__uring *uring;
    struct nw_list link; /* in nw__uring.timers, while it is on */
    uint64_t at, repeat; /* ms */
};

/* One that is on has a time. */
bool nw__uring_timer_is_valid(const struct nw__uring_timer *timer);

/* While a timer is on, the kernel's timeout is on its way there or back, or comes no later than the first of them. */
bool nw__uring_clock_is_valid(const struct nw__uring *uring);

struct nw__uring_job {
    struct nw_list link; /* in nw__uring.finished */
    struct nw__uring *uring;
    bool alone; /* on a thread of its own */
    pthread_t thread;
    void (*work)(void *arg);
    void (*done)(void *arg);
    void *arg;
};

/* It knows what to do and whom to tell, and the ring waits for it. */
bool nw__uring_job_is_valid(const struct nw__uring_job *job);

struct nw__uring_held;

struct nw__uring_conn {
    struct nw_io_conn base;
    struct nw__uring *uring;
    struct nw__ending ending;
    struct nw__op receive, send;
    bool reading, closing;
    bool sparing;   /* found no buffer free: receives into one buffer at a time, until one is not filled */
    bool unwriting; /* the send is taken back */
    bool over;      /* the end of the input came, or `error` */
    int error;
    struct nw_list held_link; /* in nw__uring.held: reads again, and something is held or over */
    struct nw__uring_held *held, *last_held;
    struct msghdr message;
    struct nw_io_pending pending;
};

/* The receive is wanted and started or on its way back, or neither. What is sent is there. Who waits to be given
 * something has something to be given. */
bool nw__uring_conn_is_valid(const struct nw__uring_conn *conn);

#endif
