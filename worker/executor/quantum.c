/* See quantum.h. Each executor has a timer of the kernel, made when it is first needed. */
#include "worker/executor/quantum.h"
#include "worker/domain/executor.h"
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

bool nw_quantum_set(struct nw_executor *ex, uint64_t quantum)
{
    const struct timespec each = {.tv_sec = (time_t)(quantum / 1000000000), .tv_nsec = (long)(quantum % 1000000000)};
    const struct itimerspec spec = {.it_interval = each, .it_value = each};

    if (quantum == ex->quantum)
        return true;
    if (ex->timer == NW_TIMER_NONE || (ex->timer == NW_TIMER_UNMADE && !make(ex)))
        return false;
    if (syscall(SYS_timer_settime, ex->timer_id, 0, &spec, NULL) < 0)
        return false;
    ex->quantum = quantum;
    return true;
}
