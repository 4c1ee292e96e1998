/*
 * See quantum.h. Each executor has a timer of the kernel, made when it is first needed. It ends once and is set again
 * by who was kicked: one that went on by itself could end again before the signal is dealt with, and then again.
 */
#include "worker/tick/quantum.h"
#include "common/base/atomic.h"
#include "common/base/clock.h"
#include "worker/domain/executor.h"
#include "worker/turn/dear.h"
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Not by libc, whose timer_create may start a thread. */
static bool make(struct nw_executor *ex)
{
    struct sigevent event;

    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = NW_PREEMPT_SIGNAL;
    event._sigev_un._tid = (pid_t)ex->gate.tid;
    ex->timer = syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &ex->timer_id) == 0 ? NW_TIMER_MADE : NW_TIMER_NONE;
    return ex->timer == NW_TIMER_MADE;
}

bool nw_quantum_ended(const struct nw_executor *ex)
{
    return nw_load_relaxed(&ex->ticked); /* stored by the handler, on the executor's thread */
}

void nw_quantum_count(struct nw_executor *ex)
{
    uint64_t now;

    if (!nw_quantum_ended(ex) || !ex->due)
        return;
    now = nw_clock_ns();
    if (now < ex->due) /* the kick is that of the one before, which came while the timer was set */
        return;
    ex->tick_cost = nw_dear_cost(ex->tick_cost, now - ex->due);
    ex->due = 0;
}

static bool set(struct nw_executor *ex, uint64_t due)
{
    const struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(due / 1000000000), .tv_nsec = (long)(due % 1000000000)}};

    if (ex->timer == NW_TIMER_NONE || (ex->timer == NW_TIMER_UNMADE && !make(ex)))
        return false;
    ex->due = due;
    nw_store_relaxed(&ex->ticked, 0u); /* as in nw_quantum_ended; one that comes from now on may be the new one's */
    return syscall(SYS_timer_settime, ex->timer_id, TIMER_ABSTIME, &spec, NULL) == 0;
}

bool nw_quantum_set(struct nw_executor *ex, uint64_t quantum)
{
    const bool ended = nw_quantum_ended(ex);

    quantum = nw_dear_quantum(quantum, ex->quantum, ex->tick_cost);
    if (quantum == ex->quantum && (!ended || !quantum))
        return true;
    if (quantum || !ended) /* one that ended is off */
        if (!set(ex, quantum ? nw_clock_ns() + quantum : 0))
            return false;
    ex->quantum = quantum;
    return true;
}
