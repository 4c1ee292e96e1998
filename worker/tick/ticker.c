/*
 * One thread that kicks every executor when its quantum ends. It sleeps until the first of them; who sets an earlier
 * end wakes it, who sets a later one makes no system call.
 */
#include "common/base/atomic.h"
#include "common/base/clock.h"
#include "worker/base/limits.h"
#include "worker/domain/executor.h"
#include "worker/tick/source.h"
#include <linux/futex.h>
#include <pthread.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct nw_executor *served[NW_EXECUTORS_MAX]; /* by their ids; NULL: it has set no time yet */
    uint32_t n;                                   /* no id is as high */
    uint64_t sleeps_until;                        /* ns; 0: it is awake, and looks again before it sleeps */
    uint32_t bell;                                /* changes when it is to look again */
} ticker;

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void kick(struct nw_executor *ex)
{
    nw_store_relaxed(&ex->ticked, 1u); /* loaded by nw_quantum_ended; who sees it late is kicked nevertheless */
    syscall(SYS_tgkill, getpid(), nw_load_acquire(&ex->gate.tid), NW_PREEMPT_SIGNAL); /* stored by executor_main */
}

/* Kicks those whose time has come. Returns when the next one's does. */
static uint64_t look(uint64_t now)
{
    const uint32_t n = nw_load_acquire(&ticker.n); /* changed by serve */
    uint64_t next = UINT64_MAX;

    for (uint32_t i = 0; i < n; i++) {
        struct nw_executor *ex = nw_load_acquire(&ticker.served[i]); /* stored by serve */
        uint64_t due = ex ? nw_load_seq_cst(&ex->ticker_due) : 0;    /* stored by nw__ticker_at; see there */

        if (due && due > now)
            next = earlier(next, due);
        else if (due && nw_compare_exchange(&ex->ticker_due, &due, 0ull))
            kick(ex);
    }
    return next;
}

static void sleep_until(uint64_t at, uint32_t bell)
{
    const struct timespec time = {.tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000)};

    syscall(SYS_futex, &ticker.bell, FUTEX_WAIT_BITSET_PRIVATE, bell, at == UINT64_MAX ? NULL : &time, NULL,
            FUTEX_BITSET_MATCH_ANY);
}

static noreturn void *ticker_main(void *unused)
{
    (void)unused;
    prctl(PR_SET_TIMERSLACK, 1); /* else it may sleep for 50 us longer */
    for (;;) {
        const uint32_t bell = nw_load_acquire(&ticker.bell); /* changed by nw__ticker_at */
        uint64_t next = look(nw_clock_ns());

        nw_store_seq_cst(&ticker.sleeps_until, next); /* who sets an earlier one from now on rings ... */
        next = earlier(next, look(nw_clock_ns()));    /* ... and who did before is seen here */
        sleep_until(next, bell);
        nw_store_seq_cst(&ticker.sleeps_until, 0ull);
    }
}

int nw__ticker_start(void)
{
    pthread_t thread;

    return -pthread_create(&thread, NULL, ticker_main, NULL);
}

static void serve(struct nw_executor *ex)
{
    uint32_t n = nw_load_relaxed(&ticker.n); /* compared below */

    nw_store_release(&ticker.served[ex->id], ex); /* loaded by look, as is n */
    while (n <= ex->id && !nw_compare_exchange(&ticker.n, &n, ex->id + 1))
        ;
}

bool nw__ticker_at(struct nw_executor *ex, uint64_t due)
{
    if (!nw_load_relaxed(&ticker.served[ex->id])) /* stored by who runs the executor, or has the lock, as here */
        serve(ex);
    nw_store_seq_cst(&ex->ticker_due, due); /* before the load below: either it is seen by ticker_main, or that is */
    if (due && due < nw_load_seq_cst(&ticker.sleeps_until)) {
        nw_add_fetch(&ticker.bell, 1u);
        syscall(SYS_futex, &ticker.bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return true;
}
