/* See wake.h. */
#include "worker/executor/wake.h"
#include "worker/base/lock.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct {
    pthread_cond_t work;
    uint32_t n_idle; /* executors that wait for it */
    bool led;        /* another waits on the doorbell */
    int doorbell, control;
    uint64_t control_comes;    /* when the control thread looks at timers by itself */
    enum nw_control_rest rest; /* who has to wake it before */
} wakes = {.work = PTHREAD_COND_INITIALIZER};

static void ring(int fd)
{
    const uint64_t one = 1;

    if (write(fd, &one, sizeof(one)) < 0)
        return; /* it is full: whoever reads it is awake, or about to be */
}

int nw_wake_init(int doorbell)
{
    wakes.doorbell = doorbell;
    wakes.control = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return wakes.control < 0 ? -errno : wakes.control;
}

void nw_wake_leader(void)
{
    if (wakes.led)
        ring(wakes.doorbell);
}

enum nw_wake_whom nw_wake_whom(void)
{
    return wakes.n_idle > 0 ? NW_WAKE_IDLE : wakes.led ? NW_WAKE_LEADER : NW_WAKE_NOBODY;
}

void nw_wake(enum nw_wake_whom whom)
{
    if (whom == NW_WAKE_IDLE)
        pthread_cond_signal(&wakes.work);
    else if (whom == NW_WAKE_LEADER)
        ring(wakes.doorbell);
}

void nw_wake_executor(void)
{
    nw_wake(nw_wake_whom());
}

void nw_wake_control(void)
{
    ring(wakes.control);
}

/* One that is woken once comes by itself. */
void nw_wake_control_by(uint64_t at)
{
    if (at >= wakes.control_comes)
        return;
    wakes.control_comes = 0;
    nw_wake_control();
}

void nw_wake_await(void)
{
    wakes.n_idle++;
    pthread_cond_wait(&wakes.work, &nw_monitor_lock);
    wakes.n_idle--;
}

bool nw_wake_is_led(void)
{
    return wakes.led;
}

void nw_wake_lead(bool leads)
{
    wakes.led = leads;
}

bool nw_wake_has_idle(void)
{
    return wakes.n_idle > 0;
}

uint32_t nw__wake_asleep(void)
{
    return wakes.n_idle + wakes.led;
}

void nw_wake_control_sleeps(uint64_t until, enum nw_control_rest rest)
{
    wakes.control_comes = until;
    wakes.rest = rest;
}

void nw_wake_resting_control(bool runs_long)
{
    if (wakes.rest == NW_CONTROL_TICKS || (wakes.rest == NW_CONTROL_NAPS && !runs_long))
        return;
    wakes.rest = NW_CONTROL_TICKS;
    nw_wake_control();
}
