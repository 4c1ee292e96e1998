/* That functions share keys, executors and func workers: who waits keeps nobody else from them. NW_TEST_MODE picks the
 * mode. */
#include "common/base/clock.h"
#include "common/manifest/manifest.h"
#include "worker/base/limits.h"
#include "worker/domain/keys.h"
#include "worker/test/whole.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_SLOTS 8

/* More endless loops than executors: a quantum each, and the neighbour goes on. */
static void loops_share_the_executors(void **state)
{
    struct nw_load l = {
        .name = "fault", .so = nw_sample_so("fault"), .profile = NW_PROFILE_FILES, .slots = 6, .timeout_ms = 1500};
    uint32_t hello = nw_whole_load("hello"), fault = nw_harness_load(&nw_whole, &l), hellos = 0, timeouts = 0;

    (void)state;
    assert_int_not_equal(fault, 0);
    for (int i = 0; i < 6; i++)
        nw_harness_send(&nw_whole, fault, "loop", 4);
    nw_harness_send(&nw_whole, hello, "n", 1);
    while (timeouts < 6) {
        struct nw_answer a = nw_harness_receive(&nw_whole);

        if (a.status == NW_STATUS_OK) {
            assert_string_equal(a.data, "Hello, n!\n");
            hellos++;
            nw_harness_send(&nw_whole, hello, "n", 1);
        } else {
            assert_int_equal(a.status, NW_STATUS_TIMEOUT);
            timeouts++;
        }
        free(a.data);
    }
    assert_true(hellos > 10);
}

/* A domain's range has one key, whoever had it before: what lies further apart than a range belongs to two of them. */
static void a_key_is_of_one_domain(void)
{
    uint64_t first[16] = {0}, last[16] = {0};
    unsigned long start = 0, end = 0, from, to;
    char text[512];
    unsigned key;
    FILE *maps;

    snprintf(text, sizeof(text), "/proc/%d/smaps", nw_whole.pid);
    maps = fopen(text, "re");
    assert_non_null(maps);
    while (fgets(text, sizeof(text), maps)) {
        if (sscanf(text, "%lx-%lx ", &from, &to) == 2) {
            start = from;
            end = to;
        } else if (sscanf(text, "ProtectionKey: %u", &key) == 1 && key < 16) {
            first[key] = first[key] ? first[key] : start;
            last[key] = end;
        }
    }
    fclose(maps);
    for (key = NW_KEY_PARKED + 1; key < 16; key++)
        if (last[key] - first[key] > NW_DOMAIN_RANGE)
            fail_msg("key %u is on %#lx and on %#lx", key, (unsigned long)first[key], (unsigned long)last[key]);
    if (last[NW_KEY_PARKED])
        assert_true(last[NW_KEY_PARKED] - first[NW_KEY_PARKED] > NW_DOMAIN_RANGE); /* of many */
}

/* Far more domains than hardware keys, called in turn and by one another. */
static void more_domains_than_keys(void **state)
{
    uint32_t deployments[40];
    char name[16];

    (void)state;
    for (int i = 0; i < 40; i++) {
        struct nw_load l = {
            .name = name, .so = nw_sample_so(i % 2 ? "hello" : "callbench"), .profile = NW_PROFILE_FILES};

        snprintf(name, sizeof(name), "f%d", i);
        deployments[i] = nw_harness_load(&nw_whole, &l);
        assert_int_not_equal(deployments[i], 0);
    }
    for (int i = 0; i < 2000; i++) {
        char input[32];
        struct nw_answer a;

        snprintf(input, sizeof(input), "1 8 f%d", (i * 7 + 1) % 40 | 1);
        a = nw_harness_invoke(&nw_whole, deployments[i % 40], input, strlen(input));
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
        if (i % 100 == 99)
            a_key_is_of_one_domain();
    }
}

#define MANY 20 /* domains, more than there are keys */

static void load_many(const struct nw_load *of, uint32_t deployments[MANY])
{
    char name[16];

    for (int i = 0; i < MANY; i++) {
        struct nw_load l = *of;

        l.name = name;
        snprintf(name, sizeof(name), "many%d", i);
        deployments[i] = nw_harness_load(&nw_whole, &l);
        assert_int_not_equal(deployments[i], 0);
    }
}

static void receive_many(int n)
{
    while (n--) {
        struct nw_answer a = nw_harness_receive(&nw_whole);

        if (a.status != NW_STATUS_OK || strstr(a.data, "failed"))
            fail_msg("status %u: %s", a.status, a.data);
        free(a.data);
    }
}

/* Every caller holds what it has while it waits for the one callee, which needs a key too. */
static void callers_of_one_callee_share_the_keys(void **state)
{
    uint32_t callers[MANY];

    (void)state;
    nw_whole_load("hello");
    load_many(&(struct nw_load){.so = nw_test_so("relay"), .profile = NW_PROFILE_FILES, .slots = 2, .timeout_ms = 5000},
              callers);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < MANY * 3; i++)
            nw_harness_send(&nw_whole, callers[(i + round) % MANY], "hello x", 7);
        receive_many(MANY * 3);
    }
}

/* An invocation that sleeps needs no key. */
static void sleepers_keep_nobody_from_a_key(void **state)
{
    uint32_t sleepers[MANY], hello = nw_whole_load("hello");

    (void)state;
    load_many(&(struct nw_load){.so = nw_sample_so("fault"), .profile = NW_PROFILE_FILES, .timeout_ms = 5000},
              sleepers);
    for (int i = 0; i < MANY; i++)
        nw_harness_send(&nw_whole, sleepers[i], "sleep 1", 7);
    nw_harness_send(&nw_whole, hello, "x", 1);
    receive_many(MANY + 1);
}

/* A key that was taken from a domain is not missed by the one that comes after it, in the same place. */
static void a_new_domain_has_lost_no_key(void **state)
{
    uint32_t many[MANY], sleeper, last;
    const uint64_t began = nw_clock_ns();
    struct nw_answer late;

    (void)state;
    if (nw_whole_mode != NW_MODE_MPK)
        skip();
    sleeper = nw_harness_load(
        &nw_whole, &(struct nw_load){.name = "fault", .so = nw_sample_so("fault"), .slots = 1, .timeout_ms = 3000});
    nw_harness_send(&nw_whole, sleeper, "sleep", 5);
    load_many(&(struct nw_load){.so = nw_sample_so("hello")}, many);
    if (nw_clock_ns() - began > 2500000000u) { /* so slow that the sleeper's successor may have lost one, too */
        free(nw_harness_receive(&nw_whole).data);
        skip();
    }
    late = nw_harness_receive(&nw_whole);
    assert_int_equal(late.status, NW_STATUS_TIMEOUT);
    free(late.data);
    nw_whole_expect(sleeper, "ok", "ok\n");
    last = nw_whole_load("echo");
    nw_whole_expect(last, "x", "x");
    while (nw_harness_calls(&nw_whole, last).calls < 2)
        nw_harness_expect(&nw_whole, NW_CONTROL_CALLS);
    assert_int_equal(nw_harness_calls(&nw_whole, sleeper).rekeyed, 0);
    assert_int_equal(nw_harness_calls(&nw_whole, last).rekeyed, 0);
}

/* Whoever waits holds no executor: many short invocations are answered while many more sleep than there are executors.
 */
static void sleepers_keep_nobody_from_an_executor(void **state)
{
    enum { FUNCTIONS = 2, SLOTS = 50, SHORT = 1000 };
    struct nw_load l = {
        .so = nw_sample_so("fault"), .profile = NW_PROFILE_FILES, .slots = SLOTS, .timeout_ms = 3600000};
    uint32_t sleeper[FUNCTIONS], hello = nw_whole_load("hello");

    (void)state;
    for (int i = 0; i < FUNCTIONS; i++) {
        l.name = i ? "other" : "one";
        sleeper[i] = nw_harness_load(&nw_whole, &l);
        assert_int_not_equal(sleeper[i], 0);
    }
    for (int i = 0; i < FUNCTIONS * SLOTS; i++)
        nw_harness_send(&nw_whole, sleeper[i % FUNCTIONS], "sleep", 5);
    for (int i = 0; i < SHORT; i++)
        nw_whole_expect(hello, "x", "Hello, x!\n");
}

static void await_func_workers(uint32_t deployment, uint32_t n)
{
    do
        nw_harness_expect(&nw_whole, NW_CONTROL_HOLDS);
    while (nw_whole.holds.deployment != deployment || nw_whole.holds.slots != n);
}

static void func_workers_come_and_go_with_the_demand(void **state)
{
    const struct nw_load l = {.name = "fault", .so = nw_sample_so("fault"), .slots = MANY_SLOTS};
    uint32_t fault = nw_harness_load(&nw_whole, &l);

    (void)state;
    await_func_workers(fault, 1);
    for (int i = 0; i < MANY_SLOTS; i++)
        nw_harness_send(&nw_whole, fault, "sleep 1", 7);
    await_func_workers(fault, MANY_SLOTS);
    for (int i = 0; i < MANY_SLOTS; i++) {
        struct nw_answer answer = nw_harness_receive(&nw_whole);

        assert_int_equal(answer.status, NW_STATUS_OK);
        free(answer.data);
    }
    await_func_workers(fault, 1);
    nw_whole_expect(fault, "ok", "ok\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(loops_share_the_executors, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(more_domains_than_keys, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(callers_of_one_callee_share_the_keys, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(sleepers_keep_nobody_from_a_key, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_new_domain_has_lost_no_key, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(sleepers_keep_nobody_from_an_executor, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(func_workers_come_and_go_with_the_demand, nw_whole_start, nw_whole_stop),
    };

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
