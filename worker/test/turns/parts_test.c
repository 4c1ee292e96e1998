/* What functions have of a worker's time: no more than their limits, and by their weights among themselves. */
#include "common/base/atomic.h"
#include "common/base/clock.h"
#include "worker/test/harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS    4
#define READERS  6
#define LONG     "registers 1000000" /* longer than any of these tests */
#define PATIENCE 20000000000ull
#define SURE     200000000ull /* ns: many turns, of which the machine may make some longer */

static struct nw_harness h;

static uint32_t load(const char *name, uint32_t weight, uint32_t cpu_limit)
{
    const char *build = getenv("NW_BUILD");
    char path[512];
    struct nw_load l = {.name = name,
                        .so = path,
                        .slots = SLOTS,
                        .timeout_ms = 600000,
                        .memory = 64ul << 20,
                        .weight = weight,
                        .cpu_limit = cpu_limit};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/test/worker/preempted.so", build ? build : "build");
    deployment = nw_harness_load(&h, &l);
    if (!deployment)
        fail_msg("refused: %s", h.message.text);
    return deployment;
}

static void call(uint32_t deployment, const char *input, const char *expected)
{
    struct nw_answer a = nw_harness_invoke(&h, deployment, input, strlen(input));

    assert_string_equal(a.data, expected);
    free(a.data);
}

static uint64_t ran(uint32_t deployment)
{
    nw_harness_listen(&h);
    return nw_harness_calls(&h, deployment).ran;
}

/* Ends the worker, which has invocations that are not over. */
static void stop(void)
{
    nw_harness_stop(&h);
}

/* Until it has run for so long from now on. Meanwhile another function is called, and is answered. Returns how much of
 * a processor it had, in per cent. */
static uint64_t run_beside(uint32_t deployment, uint32_t other, uint64_t time)
{
    const uint64_t before = ran(deployment), began = nw_clock_ns();

    while (ran(deployment) - before < time && nw_clock_ns() - began < PATIENCE)
        call(other, "registers 1", "sound");
    assert_true(ran(deployment) - before >= time);
    return (ran(deployment) - before) * 100 / (nw_clock_ns() - began);
}

/* Two executors would give it twice what a processor has. */
static void a_limit_is_for_all_slots_together(void **state)
{
    uint32_t limited, other;

    (void)state;
    nw_harness_start(&h, NW_MODE_NONE, 2);
    limited = load("limited", 100, 20);
    other = load("other", 100, 0);
    for (int i = 0; i < SLOTS; i++)
        nw_harness_send(&h, limited, LONG, strlen(LONG));
    assert_in_range(run_beside(limited, other, 200000000), 1, 60);
    stop();
}

static void a_limit_is_for_threads_of_its_own_too(void **state)
{
    uint32_t limited, other;

    (void)state;
    nw_harness_start(&h, NW_MODE_NONE, 2);
    limited = load("limited", 100, 20);
    other = load("other", 100, 0);
    call(limited, "threads 4", "sound");
    assert_in_range(run_beside(limited, other, 200000000), 1, 60);
    call(limited, "registers 1", "sound");
    stop();
}

/* Each thread kept an executor while it read: when all come back more are awake than may run. The time that a function
 * has run is that of its executors, however many processors there are. */
static void who_comes_back_from_a_call_shares_the_executors(void **state)
{
    uint32_t crowd, other;

    (void)state;
    nw_harness_start(&h, NW_MODE_NONE, 1);
    crowd = load("crowd", 100, 0);
    other = load("other", 100, 0);
    call(crowd, "readers 6", "sound");
    for (int i = 0; i < READERS; i++)
        call(other, "registers 1", "sound"); /* while they have turns */
    call(crowd, "release 6", "sound");
    run_beside(crowd, other, 200000000);
    assert_in_range(run_beside(crowd, other, 1000000000), 1, 200);
    stop();
}

/* Whether somebody in the worker sleeps until the engine rings. */
static bool is_to_be_rung(void)
{
    return nw_load_relaxed(&h.channel.out.shared->consumer_sleeps);
}

/* More threads are there than may run slots, and all that may do: those look at the rings when a quantum ends. Another
 * one would be woken for each invocation, and could run none. */
static void who_may_run_nothing_is_not_rung(void **state)
{
    uint32_t crowd, other;

    (void)state;
    nw_harness_start(&h, NW_MODE_NONE, 1);
    crowd = load("crowd", 100, 0);
    other = load("other", 100, 0);
    call(crowd, "readers 6", "sound");
    call(crowd, "release 6", "sound");
    run_beside(crowd, other, SURE);
    for (int i = 0; i < 1000; i++) {
        call(other, "registers 1", "sound");
        assert_false(is_to_be_rung());
    }
    stop();
}

/* The one with four times the weight runs for four times as long, in policy levels, which is the harness's. */
static void time_goes_by_weight(void **state)
{
    uint32_t light, heavy;
    uint64_t began;

    (void)state;
    nw_harness_start(&h, NW_MODE_NONE, 1);
    light = load("light", 100, 0);
    heavy = load("heavy", 400, 0);
    for (int i = 0; i < 2 * SLOTS; i++)
        nw_harness_send(&h, i % 2 ? heavy : light, LONG, strlen(LONG));
    began = nw_clock_ns();
    while ((ran(light) < SURE || ran(heavy) < SURE) && nw_clock_ns() - began < PATIENCE)
        nw_harness_try_receive(&h, 10, &(struct nw_answer){0});
    assert_true(ran(heavy) > 2 * ran(light));
    assert_true(ran(heavy) < 8 * ran(light));
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_is_for_all_slots_together),
        cmocka_unit_test(a_limit_is_for_threads_of_its_own_too),
        cmocka_unit_test(who_comes_back_from_a_call_shares_the_executors),
        cmocka_unit_test(who_may_run_nothing_is_not_rung),
        cmocka_unit_test(time_goes_by_weight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
