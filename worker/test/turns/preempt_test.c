/* Preemption in a whole worker: what a slot computes is not changed by it, a lock that its holder was stopped with
 * stops nobody for long, and who runs how long is counted. NW_PREEMPTIONS: how many times, at least; 20,000. */
#include "common/base/clock.h"
#include "common/host/policy.h"
#include "common/manifest/manifest.h"
#include "worker/test/harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS     4
#define EXECUTORS 2
#define FEW       20000
#define EACH_NS   60000000000ull /* time limit for FEW of them, also on a busy machine */

static struct nw_harness h;
static enum nw_mode mode;

static uint32_t start(bool chaos)
{
    const char *build = getenv("NW_BUILD");
    char path[512];
    struct nw_load l = {.name = "preempted",
                        .so = path,
                        .env = "MALLOC_ARENA_MAX=1",
                        .slots = SLOTS,
                        .timeout_ms = 600000,
                        .memory = 256ul << 20};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/test/worker/preempted.so", build ? build : "build");
    if (chaos)
        setenv("NW_CHAOS_PREEMPT", "1", 1);
    else
        unsetenv("NW_CHAOS_PREEMPT");
    nw_harness_start(&h, mode, EXECUTORS);
    deployment = nw_harness_load(&h, &l);
    if (!deployment)
        fail_msg("refused: %s", h.message.text);
    return deployment;
}

/* All slots at once. */
static void batch(uint32_t deployment, const char *input)
{
    for (int i = 0; i < SLOTS; i++)
        nw_harness_send(&h, deployment, input, strlen(input));
    for (int i = 0; i < SLOTS; i++) {
        struct nw_answer a = nw_harness_receive(&h);

        assert_string_equal(a.data, "sound");
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
    nw_harness_listen(&h);
}

static uint64_t wanted(void)
{
    const char *text = getenv("NW_PREEMPTIONS");

    return text ? strtoull(text, NULL, 10) : FEW;
}

/* Until slots were preempted so often. */
static void repeat(const char *input, uint64_t times)
{
    const uint32_t deployment = start(true);
    const uint64_t until = nw_clock_ns() + (times + FEW - 1) / FEW * EACH_NS;

    while (h.calls.preempted < times && nw_clock_ns() < until)
        batch(deployment, input);
    print_message("%llu preemptions\n", (unsigned long long)h.calls.preempted);
    assert_true(h.calls.preempted >= times);
    nw_harness_stop(&h);
}

static void registers_survive(void **state)
{
    (void)state;
    repeat("registers 500", wanted());
}

/* With one arena for all threads whoever is stopped often holds its lock. */
static void a_lock_of_libc_stops_nobody(void **state)
{
    (void)state;
    repeat("malloc 300", wanted() / 10);
}

/* The kernel says EINTR of a look that finds nothing while the timer's signal waits. */
static void a_look_is_not_interrupted(void **state)
{
    (void)state;
    repeat("poll 3000", wanted() / 10);
}

/* More slots than executors, and no chaos: they take turns, and each turn is counted. */
static void time_is_counted(void **state)
{
    const uint32_t deployment = start(false);
    const uint64_t until = nw_clock_ns() + EACH_NS;

    (void)state;
    while ((!h.calls.preempted || !h.calls.waited) && nw_clock_ns() < until)
        batch(deployment, "registers 2000");
    assert_int_equal(h.calls.deployment, deployment);
    assert_true(h.calls.preempted > 0);
    assert_true(h.calls.ran > 0);
    assert_true(h.calls.waited > 0);
    nw_harness_stop(&h);
}

/* The same by the thread that kicks all executors. */
static void one_thread_ends_all_quanta(void **state)
{
    setenv("NW_TICKER", "1", 1);
    repeat("registers 500", FEW / 4);
    time_is_counted(state);
    unsetenv("NW_TICKER");
}

static void each_policy_answers(void **state)
{
    (void)state;
    for (int i = 0; i < NW_POLICIES; i++) {
        setenv("NW_TEST_POLICY", nw_policy_name((enum nw_policy)i), 1);
        batch(start(false), "registers 1000");
        nw_harness_stop(&h);
    }
    unsetenv("NW_TEST_POLICY");
}

static int run(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_survive),          cmocka_unit_test(a_lock_of_libc_stops_nobody),
        cmocka_unit_test(a_look_is_not_interrupted),  cmocka_unit_test(time_is_counted),
        cmocka_unit_test(one_thread_ends_all_quanta), cmocka_unit_test(each_policy_answers),
    };

    mode = in;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return nw_harness_run_modes(run);
}
