/* What the files of the io_uring backend share: the ring and what hangs on it, and the functions of each file. */
#ifndef NW_ENGINE_IO_URING_PRIVATE_H
#define NW_ENGINE_IO_URING_PRIVATE_H

#include "engine/base/list.h"
#include "engine/io/backend.h"
#include "engine/io/uring/op.h"
#include <liburing.h>
#include <pthread.h>

/* A thread that stays and waits for jobs. */
struct nw__uring_hand {
    struct nw__uring *uring;
    pthread_t thread;
    pthread_cond_t came;       /* a job, or the end */
    struct nw__uring_job *job; /* under the ring's `lock`; NULL: it is free */
    bool made;
};

#define NW__URING_HANDS 4

struct nw__uring {
    struct nw_io base;
    struct io_uring ring;
    struct io_uring_buf_ring *buffers; /* what is received lies in them */
    char *buffer_memory;
    bool multishot_receive; /* tried until the kernel says that it has no such thing */
    bool misled;            /* the kernel said that it had work, and had none */
    bool stop;
    uint64_t now; /* ms */
    struct nw_list queue;
    struct nw_list bells; /* that are to be rung */
    struct nw_list ending;
    struct nw_list held;   /* connections that read again and have bytes, or their end, to be handed over first */
    struct nw_list timers; /* those that are on */
    struct nw__op clock;   /* fires at the first of them */
    uint64_t clock_at;
    struct __kernel_timespec clock_time;
    size_t received; /* bytes, in this turn */
    unsigned scan;   /* how often completions were taken out of their order: see loop.c */
    unsigned living; /* listeners, connections, watches and jobs: the ring stays as long as there is one */
    pthread_mutex_t lock;
    struct nw_list finished; /* jobs; under `lock`, and so told to `finished_fd` */
    int finished_fd;
    struct nw_io_watch *finished_watch;
    struct nw__uring_hand hands[NW__URING_HANDS];
    bool hands_end; /* under `lock` */
};

/* --- io/uring/buffers.c --- */

#define NW__URING_BUFFER_SIZE 65536

/* 0 or negative errno. */
int nw__uring_buffers_init(struct nw__uring *uring);
void nw__uring_buffers_fini(struct nw__uring *uring);

/* The memory of the buffer that a completion names, and its way back to the kernel. */
char *nw__uring_buffer(struct nw__uring *uring, unsigned cqe_flags);
void nw__uring_buffer_return(struct nw__uring *uring, unsigned cqe_flags);
void nw__uring_buffer_select(struct io_uring_sqe *sqe);

/* --- io/uring/conn.c --- */

/* NULL when there is no memory; the caller keeps the fd then. */
struct nw_io_conn *nw__uring_conn_new(struct nw__uring *uring, int fd);
void nw__uring_conn_read(struct nw_io_conn *conn, bool on);
int nw__uring_conn_write(struct nw_io_conn *conn, const struct iovec *iov, int n);
void nw__uring_conn_unwrite(struct nw_io_conn *conn);
void nw__uring_conn_close(struct nw_io_conn *conn);

/* Hands over what was held back for connections that read again. */
void nw__uring_give_held(struct nw__uring *uring);

/* --- io/uring/listener.c --- */

struct nw_io_listener *nw__uring_listener_new(struct nw_io *io, int fd);
void nw__uring_listener_close(struct nw_io_listener *listener);

/* --- io/uring/timer.c --- */

void nw__uring_clock_init(struct nw__uring *uring);
void nw__uring_fire_timers(struct nw__uring *uring);
struct nw_io_timer *nw__uring_timer_new(struct nw_io *io);
void nw__uring_timer_start(struct nw_io_timer *timer, uint64_t after_ms, uint64_t repeat_ms);
void nw__uring_timer_free(struct nw_io_timer *timer);
bool nw__uring_timer_is_on(const struct nw_io_timer *timer);

/* --- io/uring/watch.c --- */

struct nw_io_watch *nw__uring_watch_new(struct nw_io *io, int fd);
void nw__uring_watch_free(struct nw_io_watch *watch);

/* A bell is rung by an operation that nobody waits for: it is done when the kernel has taken it. */
struct nw_io_bell *nw__uring_bell_new(struct nw_io *io);
void nw__uring_bell_ring(struct nw_io_bell *bell);
void nw__uring_bell_free(struct nw_io_bell *bell);

/* For the turn of the loop: fills an entry of the submission queue for the first bell that is to be rung. */
void nw__uring_bell_submit(struct nw__uring *uring, struct io_uring_sqe *sqe);

/* --- io/uring/work.c --- */

int nw__uring_work_init(struct nw__uring *uring);
void nw__uring_work_fini(struct nw__uring *uring);
int nw__uring_offload(struct nw_io *io, void (*work)(void *arg), void (*done)(void *arg), void *arg);

#endif
