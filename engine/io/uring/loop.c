/*
 * The event loop of io.h on io_uring: its turn, in which operations go to the kernel and come back. Not responsible for
 * what an operation does.
 */
#include "common/base/log.h"
#include "engine/io/uring/private.h"
#include "engine/io/uring/probe.h"
#include "engine/io/uring/uring.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SUBMIT_TRIES 1000
#define BULKY        16384 /* bytes */

/* --- the turn --- */

/* The kernel takes all or, short of memory, part of what is submitted: then it is asked again. */
static void submit_all(struct nw__uring *uring)
{
    int rc = 0;
    for (int i = 0; io_uring_sq_ready(&uring->ring); i++) {
        rc = io_uring_submit(&uring->ring);
        if (i == SUBMIT_TRIES)
            nw_die_system("io_uring takes no work any more: %s", strerror(rc < 0 ? -rc : EAGAIN));
        if (rc < 0)
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static struct io_uring_sqe *next_entry(struct nw__uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (sqe)
        return sqe;
    submit_all(uring);
    return io_uring_get_sqe(&uring->ring);
}

/* Those that are woken work on other processors while the rest is carried out. */
static void flush_queue(struct nw__uring *uring)
{
    while (!nw_list_empty(&uring->bells))
        nw__uring_bell_submit(uring, next_entry(uring));
    nw_list_each(&uring->queue, at, after)
        nw__op_submit(uring, nw_container(at, struct nw__op, link), next_entry(uring));
}

static bool is_flagged(const struct nw__uring *uring, unsigned flags)
{
    return IO_URING_READ_ONCE(*uring->ring.sq.kflags) & flags;
}

/* Completions, or work of the kernel that turns into some when we enter it. */
static bool has_events(const struct nw__uring *uring)
{
    return io_uring_cq_ready(&uring->ring) || is_flagged(uring, IORING_SQ_CQ_OVERFLOW) ||
           (!uring->misled && is_flagged(uring, IORING_SQ_TASKRUN));
}

/*
 * One call for what is to be submitted and for what has happened; none when there is neither.
 *
 * The kernel flags its work after it has put it where we may take it at once, so the flag may stay behind when there is
 * none. Who took it at its word would enter in vain until something happens, a million times a second, and never wait,
 * though a wait finds work in any case.
 */
static void enter(struct nw__uring *uring, bool may_wait)
{
    if (may_wait)
        io_uring_submit_and_wait(&uring->ring, 1);
    else if (io_uring_sq_ready(&uring->ring) || has_events(uring) || uring->misled)
        io_uring_submit_and_get_events(&uring->ring);
    submit_all(uring);
    uring->misled = !io_uring_cq_ready(&uring->ring) && is_flagged(uring, IORING_SQ_TASKRUN);
}

/* Whether it brought so much that who has little should not stand behind it. */
static bool is_bulky(const struct io_uring_cqe *cqe)
{
    return cqe->flags & IORING_CQE_F_BUFFER && cqe->res >= BULKY;
}

/*
 * Of what is left in the ring: what is no piece of something large, and of no operation of which one comes before. Such
 * a completion stays where it is and is nobody's from then on.
 */
static void take_small_ones(struct nw__uring *uring)
{
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    uring->scan++;
    io_uring_for_each_cqe(&uring->ring, head, cqe)
    {
        struct nw__op *op = io_uring_cqe_get_data(cqe);
        if (op && is_bulky(cqe))
            op->passed = uring->scan;
        if (!op || op->passed == uring->scan)
            continue;
        cqe->user_data = 0;
        nw__op_completed(uring, op, cqe->res, cqe->flags);
        if (++n >= NW_IO_TURN_EVENTS || uring->received >= NW_IO_TURN_BYTES * 3 / 2)
            break;
    }
}

/* Completions beyond a turn's share stay in the ring until the next turn. */
static void take_completions(struct nw__uring *uring)
{
    struct io_uring_cqe *cqe;
    unsigned head, n = 0;
    uring->received = 0;
    io_uring_for_each_cqe(&uring->ring, head, cqe)
    {
        struct nw__op *op = io_uring_cqe_get_data(cqe);
        n++;
        if (op)
            nw__op_completed(uring, op, cqe->res, cqe->flags);
        if (uring->received >= NW_IO_TURN_BYTES || n >= NW_IO_TURN_EVENTS)
            break;
    }
    io_uring_cq_advance(&uring->ring, n);
    if (uring->received >= NW_IO_TURN_BYTES)
        take_small_ones(uring);
}

static void end_all(struct nw__uring *uring)
{
    while (!nw_list_empty(&uring->ending)) {
        struct nw__ending *ending = nw_container(uring->ending.next, struct nw__ending, link);
        nw_list_remove(&ending->link);
        ending->end(ending);
    }
}

static void update_now(struct nw__uring *uring)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uring->now = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void turn(struct nw__uring *uring)
{
    bool may_wait = !uring->base.before_wait || uring->base.before_wait(uring->base.before_wait_arg);
    may_wait = may_wait && !uring->stop && nw_list_empty(&uring->held) && nw_list_empty(&uring->ending);
    flush_queue(uring);
    enter(uring, may_wait);
    update_now(uring);
    take_completions(uring);
    nw__uring_give_held(uring);
    nw__uring_fire_timers(uring);
    end_all(uring);
}

/* --- the loop --- */

static void loop_run(struct nw_io *io)
{
    struct nw__uring *uring = (struct nw__uring *)io;
    while (!uring->stop)
        turn(uring);
    uring->stop = false;
}

static void loop_stop(struct nw_io *io)
{
    ((struct nw__uring *)io)->stop = true;
}

static uint64_t loop_now(const struct nw_io *io)
{
    return ((const struct nw__uring *)io)->now;
}

static bool loop_has_events(const struct nw_io *io)
{
    return has_events((const struct nw__uring *)io);
}

static bool loop_is_blind(const struct nw_io *io)
{
    return ((const struct nw__uring *)io)->misled;
}

static bool loop_has_queued(const struct nw_io *io)
{
    const struct nw__uring *uring = (const struct nw__uring *)io;
    return !nw_list_empty(&uring->queue) || !nw_list_empty(&uring->bells);
}

static void loop_free(struct nw_io *io)
{
    struct nw__uring *uring = (struct nw__uring *)io;
    uring->stop = false;
    while (uring->living > 1) /* the last one watches for finished jobs */
        turn(uring);
    nw__uring_work_fini(uring);
    while (uring->living)
        turn(uring);
    nw__uring_buffers_fini(uring);
    io_uring_queue_exit(&uring->ring);
    free(uring);
}

static const struct nw_io_backend backend = {
    .kind = NW_IO_URING,
    .free = loop_free,
    .run = loop_run,
    .stop = loop_stop,
    .now = loop_now,
    .has_events = loop_has_events,
    .is_blind = loop_is_blind,
    .has_queued = loop_has_queued,
    .listener_new = nw__uring_listener_new,
    .listener_close = nw__uring_listener_close,
    .conn_read = nw__uring_conn_read,
    .conn_write = nw__uring_conn_write,
    .conn_unwrite = nw__uring_conn_unwrite,
    .conn_close = nw__uring_conn_close,
    .timer_new = nw__uring_timer_new,
    .timer_start = nw__uring_timer_start,
    .timer_free = nw__uring_timer_free,
    .watch_new = nw__uring_watch_new,
    .watch_free = nw__uring_watch_free,
    .bell_new = nw__uring_bell_new,
    .bell_ring = nw__uring_bell_ring,
    .bell_free = nw__uring_bell_free,
    .offload = nw__uring_offload,
};

static void set_up(struct nw__uring *uring)
{
    uring->base.backend = &backend;
    uring->multishot_receive = true;
    nw_list_init(&uring->queue);
    nw_list_init(&uring->bells);
    nw_list_init(&uring->ending);
    nw_list_init(&uring->held);
    nw_list_init(&uring->timers);
    nw__uring_clock_init(uring);
    update_now(uring);
}

/* The parts behind the ring. What fails leaves nothing. */
static int open_parts(struct nw__uring *uring, char *why, size_t size)
{
    int rc = nw__uring_buffers_init(uring);
    if (rc < 0) {
        snprintf(why, size, "cannot give io_uring a ring of buffers: %s", strerror(-rc));
        return rc;
    }
    rc = nw__uring_work_init(uring);
    if (rc < 0) {
        snprintf(why, size, "cannot make an eventfd: %s", strerror(-rc));
        nw__uring_buffers_fini(uring);
    }
    return rc;
}

struct nw_io *nw_uring_new(char *why, size_t size)
{
    struct nw__uring *uring = calloc(1, sizeof *uring);
    if (!uring) {
        snprintf(why, size, "out of memory");
        return NULL;
    }
    set_up(uring);
    if (nw__uring_open(&uring->ring, why, size) < 0) {
        free(uring);
        return NULL;
    }
    if (open_parts(uring, why, size) < 0) {
        io_uring_queue_exit(&uring->ring);
        free(uring);
        return NULL;
    }
    return &uring->base;
}
