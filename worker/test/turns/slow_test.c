/*
 * Where ticks are dear quanta are long: every signal of a worker is held up for a while, as by a debugger or a machine
 * that does much else, while each quantum is to be as short as it can be. What it computes must get most of the time.
 */
#include "common/base/clock.h"
#include "worker/test/harness.h"
#include <dirent.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define HELD_NS  300000ull
#define LEARNS   "registers 500"  /* until it knows */
#define COUNTS   "registers 2000" /* some 30 ms of processor time: a thousand of the shortest quanta */
#define MOST     250
#define PATIENCE 20000000000ull

static struct nw_harness h;

static uint32_t start(void)
{
    const char *build = getenv("NW_BUILD");
    char path[512];
    const struct nw_load l = {.name = "slow", .so = path, .slots = 1, .timeout_ms = 600000};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/test/worker/preempted.so", build ? build : "build");
    setenv("NW_CHAOS_PREEMPT", "1", 1);
    nw_harness_start(&h, NW_MODE_NONE, 1);
    deployment = nw_harness_load(&h, &l);
    if (!deployment)
        fail_msg("refused: %s", h.message.text);
    return deployment;
}

static void seize_threads(void)
{
    char path[64];
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)h.pid);
    tasks = opendir(path);
    assert_non_null(tasks);
    while ((entry = readdir(tasks)))
        if (atoi(entry->d_name) > 0)
            assert_int_equal(ptrace(PTRACE_SEIZE, atoi(entry->d_name), NULL, (void *)PTRACE_O_TRACECLONE), 0);
    closedir(tasks);
}

static void hold_up(void)
{
    const uint64_t until = nw_clock_ns() + HELD_NS;

    while (nw_clock_ns() < until)
        ;
}

/* Threads that stopped go on after a while. */
static void hold_those_that_stopped(void)
{
    int status, signal;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
        if (!WIFSTOPPED(status))
            fail_msg("the worker ended");
        signal = status >> 16 ? 0 : WSTOPSIG(status); /* none is pending at an event */
        hold_up();
        ptrace(PTRACE_CONT, tid, NULL, (void *)(long)signal);
    }
}

/* How often the function was preempted in an invocation. */
static uint64_t preemptions(uint32_t deployment, const char *input)
{
    const struct nw_calls first = nw_harness_calls(&h, deployment);
    const uint64_t until = nw_clock_ns() + PATIENCE;
    struct nw_calls last = first;

    nw_harness_send(&h, deployment, input, strlen(input));
    while (last.calls - first.calls < 2 && nw_clock_ns() < until) { /* it has begun, and ended */
        hold_those_that_stopped();
        nw_harness_listen(&h);
        last = nw_harness_calls(&h, deployment);
        sched_yield();
    }
    assert_int_equal(last.calls - first.calls, 2);
    return last.preempted - first.preempted;
}

static void a_quantum_grows_with_what_ticks_cost(void **state)
{
    const uint32_t deployment = start();
    uint64_t learning, counted;

    (void)state;
    seize_threads();
    learning = preemptions(deployment, LEARNS);
    counted = preemptions(deployment, COUNTS);
    print_message("%llu preemptions, then %llu\n", (unsigned long long)learning, (unsigned long long)counted);
    assert_in_range(counted, 1, MOST);
    kill(h.pid, SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quantum_grows_with_what_ticks_cost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
