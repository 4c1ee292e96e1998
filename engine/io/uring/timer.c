/*
 * Timers of the io_uring backend. There are few, so they lie in a plain list; one timeout in the kernel stands for the
 * first of them, and stays there over many turns, so that waiting costs no timer.
 */
#include "common/base/valid.h"
#include "engine/io/uring/objects.h"
#include <stdlib.h>

bool nw__uring_timer_is_valid(const struct nw__uring_timer *timer)
{
    return nw_list_is_valid(&timer->link) && (nw_list_empty(&timer->link) || timer->at);
}

static struct nw__uring_timer *first_timer(const struct nw__uring *uring)
{
    struct nw__uring_timer *first = NULL;
    nw_list_each(&uring->timers, at, after)
    {
        struct nw__uring_timer *timer = nw_container(at, struct nw__uring_timer, link);
        if (!first || timer->at < first->at)
            first = timer;
    }
    return first;
}

bool nw__uring_clock_is_valid(const struct nw__uring *uring)
{
    const struct nw__uring_timer *first = first_timer(uring);
    if (!nw__op_is_valid(&uring->clock))
        return false;
    if (!first)
        return true;
    return uring->clock.state != OP_IDLE && (uring->clock.state != OP_ARMED || uring->clock_at <= first->at);
}

/* A timeout that comes too early does no harm; one that would come too late is taken back. */
static void update_clock(struct nw__uring *uring)
{
    const struct nw__uring_timer *first = first_timer(uring);
    if (!first)
        return;
    if (uring->clock.state == OP_ARMED && first->at < uring->clock_at)
        nw__op_cancel(uring, &uring->clock);
    else if (uring->clock.state == OP_IDLE)
        nw__op_start(uring, &uring->clock);
    nw_check_valid(nw__uring_clock, uring);
}

static void clock_prepare(struct nw__op *op, struct io_uring_sqe *sqe)
{
    struct nw__uring *uring = nw_container(op, struct nw__uring, clock);
    const struct nw__uring_timer *first = first_timer(uring);
    uring->clock_at = first ? first->at : uring->now;
    uring->clock_time.tv_sec = (long long)(uring->clock_at / 1000);
    uring->clock_time.tv_nsec = (long long)(uring->clock_at % 1000 * 1000000);
    io_uring_prep_timeout(sqe, &uring->clock_time, 0, IORING_TIMEOUT_ABS);
}

static void clock_complete(struct nw__op *op, int result, unsigned flags)
{
    (void)result, (void)flags;
    update_clock(nw_container(op, struct nw__uring, clock));
}

void nw__uring_clock_init(struct nw__uring *uring)
{
    nw__op_init(&uring->clock, clock_prepare, clock_complete);
}

void nw__uring_fire_timers(struct nw__uring *uring)
{
    struct nw__uring_timer *timer;
    while ((timer = first_timer(uring)) && timer->at <= uring->now) {
        if (timer->repeat)
            timer->at = uring->now + timer->repeat;
        else
            nw_list_remove(&timer->link);
        timer->base.fired(timer->base.arg);
    }
    update_clock(uring);
}

struct nw_io_timer *nw__uring_timer_new(struct nw_io *io)
{
    struct nw__uring_timer *timer = calloc(1, sizeof *timer);
    if (!timer)
        return NULL;
    timer->uring = (struct nw__uring *)io;
    nw_list_init(&timer->link);
    return &timer->base;
}

/* Never in this millisecond, or a timer that starts itself again would hold up the turn. */
void nw__uring_timer_start(struct nw_io_timer *base, uint64_t after_ms, uint64_t repeat_ms)
{
    struct nw__uring_timer *timer = (struct nw__uring_timer *)base;
    timer->at = timer->uring->now + (after_ms ? after_ms : 1);
    timer->repeat = repeat_ms;
    nw_list_remove(&timer->link);
    nw_list_append(&timer->uring->timers, &timer->link);
    nw_check_valid(nw__uring_timer, timer);
    update_clock(timer->uring);
}

void nw__uring_timer_free(struct nw_io_timer *base)
{
    struct nw__uring_timer *timer = (struct nw__uring_timer *)base;
    nw_list_remove(&timer->link);
    free(timer);
}

bool nw__uring_timer_is_on(const struct nw_io_timer *base)
{
    return !nw_list_empty(&((const struct nw__uring_timer *)base)->link);
}
