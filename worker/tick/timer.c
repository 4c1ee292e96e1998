/* A timer of the kernel for each executor, made when it is first needed. */
#include "worker/domain/executor.h"
#include "worker/tick/source.h"
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Not by libc, whose timer_create may start a thread. */
static bool make(pid_t tid, int *id)
{
    struct sigevent event;

    memset(&event, 0, sizeof(event));
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = NW_PREEMPT_SIGNAL;
    event._sigev_un._tid = tid;
    return syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, id) == 0;
}

bool nw__timer_probe(void)
{
    int id; /* it stays, and is never set: that it is there says that its user may have timers */

    return make(gettid(), &id);
}

bool nw__timer_at(struct nw_executor *ex, uint64_t due)
{
    const struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)(due / 1000000000), .tv_nsec = (long)(due % 1000000000)}};

    if (ex->timer == NW_TIMER_UNMADE)
        ex->timer = make((pid_t)ex->gate.tid, &ex->timer_id) ? NW_TIMER_MADE : NW_TIMER_NONE;
    return ex->timer == NW_TIMER_MADE && syscall(SYS_timer_settime, ex->timer_id, TIMER_ABSTIME, &spec, NULL) == 0;
}
