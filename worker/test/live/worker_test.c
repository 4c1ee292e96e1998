/* A whole worker process with real functions, driven over its ring as the engine does it. NW_TEST_MODE picks the mode.
 */
#include "common/manifest/manifest.h"
#include "protect/gate/state.h"
#include "worker/base/limits.h"
#include "worker/test/whole.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void hello_answers(void **state)
{
    uint32_t hello = nw_whole_load("hello");

    (void)state;
    for (int i = 0; i < 100; i++)
        nw_whole_expect(hello, "World", "Hello, World!\n");
}

/* Descriptors that nobody has opened yet have their place, so that no executor waits while the kernel makes it. */
static void the_table_of_descriptors_is_large_from_the_start(void **state)
{
    char path[64], line[256];
    int size = 0;
    FILE *status;

    (void)state;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)nw_whole.pid);
    status = fopen(path, "re");
    assert_non_null(status);
    while (size == 0 && fgets(line, sizeof(line), status))
        sscanf(line, "FDSize: %d", &size);
    fclose(status);
    assert_true(size >= 1024);
}

static void nested_calls_answer(void **state)
{
    uint32_t foo, chain;

    (void)state;
    nw_whole_load("bar");
    foo = nw_whole_load("foo");
    chain = nw_whole_load("chain");
    for (int i = 0; i < 50; i++) {
        struct nw_answer a = nw_harness_invoke(&nw_whole, foo, "x", 1);

        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
    for (int depth = 1; depth < 64; depth += 7) {
        char input[16];
        struct nw_answer a;

        snprintf(input, sizeof(input), "%d", depth);
        a = nw_harness_invoke(&nw_whole, chain, input, strlen(input));
        print_message("chain %d: status %u %s\n", depth, a.status, a.data);
        free(a.data);
    }
}

/* An input that goes into the descriptor, one that is copied, and one that is carried. */
static void what_the_engine_took_back_is_not_begun(void **state)
{
    static const size_t sizes[] = {1, 4096, 1 << 20};
    static char input[1 << 20];
    uint32_t echo = nw_whole_load("echo");

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct nw_answer answer;
        uint64_t id = nw_harness_send(&nw_whole, echo, "before", 6), taken;

        answer = nw_harness_receive(&nw_whole);
        free(answer.data);
        nw_claim_take_back(nw_whole.channel.claims, id + 1);
        taken = nw_harness_send(&nw_whole, echo, input, sizes[i]);
        assert_int_equal(taken, id + 1);
        answer = nw_harness_receive(&nw_whole);
        assert_int_equal(answer.status, NW_STATUS_UNAVAILABLE);
        free(answer.data);
        nw_whole_expect(echo, "behind it", "behind it");
        nw_whole_expect(echo, "again", "again");
    }
}

/* Each way to fail, while a neighbour in the same worker is asked again and again. */
static void faults_are_contained(void **state)
{
    static const struct {
        const char *input;
        uint32_t status;
    } rows[] = {
        {"segv", NW_STATUS_CRASHED},
        {"overflow", NW_STATUS_CRASHED},
        {"abort", NW_STATUS_CRASHED},
        {"exit", NW_STATUS_CRASHED},
        {"loop", NW_STATUS_TIMEOUT},
        {"sleep", NW_STATUS_TIMEOUT},
        {"deadlock", NW_STATUS_TIMEOUT},
        {"badfree", NW_STATUS_CRASHED},
        {"oom", NW_STATUS_OK},
        {"fdleak", NW_STATUS_OK},
        {"threadleak", NW_STATUS_OK},
        {"leak", NW_STATUS_OK},
        {"syscall ptrace", NW_STATUS_OK},
        {"syscall 101", NW_STATUS_OK},
        {"pkey", NW_STATUS_OK},
        {"return", NW_STATUS_FUNCTION_FAILED},
    };
    uint32_t hello = nw_whole_load("hello"), fault;
    struct nw_load l = {.name = "fault",
                        .so = nw_sample_so("fault"),
                        .profile = NW_PROFILE_FILES,
                        .timeout_ms = 1500,
                        .memory = 64ul << 20};

    (void)state;
    fault = nw_harness_load(&nw_whole, &l);
    assert_int_not_equal(fault, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bad = nw_harness_send(&nw_whole, fault, rows[i].input, strlen(rows[i].input));
        bool answered = false;

        while (!answered) {
            struct nw_answer a;

            nw_harness_send(&nw_whole, hello, "n", 1);
            a = nw_harness_receive(&nw_whole);
            if (a.id == bad) {
                answered = true;
                print_message("%s: %u %s\n", rows[i].input, a.status, a.data);
                assert_int_equal(a.status, rows[i].status);
                free(a.data);
                a = nw_harness_receive(&nw_whole);
            }
            assert_int_equal(a.status, NW_STATUS_OK);
            assert_string_equal(a.data, "Hello, n!\n");
            free(a.data);
        }
        nw_whole_expect(fault, "ok", "ok\n");
    }
}

/* A callee finds nothing of its caller's vector, x87 and MMX registers, their flags and addresses. */
static void look_for_traces(const char *input)
{
    struct nw_load caller = {.name = "caller", .so = nw_test_so("traces"), .slots = 1}, callee = caller;
    uint32_t deployment;

    callee.name = "callee";
    assert_int_not_equal(nw_harness_load(&nw_whole, &callee), 0);
    deployment = nw_harness_load(&nw_whole, &caller);
    assert_int_not_equal(deployment, 0);
    nw_whole_expect(deployment, input, "cleanclean");
}

static void a_callee_sees_no_registers_of_its_caller(void **state)
{
    (void)state;
    look_for_traces("fill callee");
}

static void a_callee_sees_no_avx512_registers_of_its_caller(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx512f")) {
        print_message("this CPU has no AVX-512\n");
        skip();
    }
    look_for_traces("wide callee");
}

static void a_callee_sees_no_tiles_of_its_caller(void **state)
{
    (void)state;
    if (!(nw_state_here() & NW_STATE_TILES)) {
        print_message("this CPU has no tiles\n");
        skip();
    }
    look_for_traces("tile callee");
}

static void large_payloads_pass(void **state)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 1 << 20, (16 << 20) - 1, 16 << 20};
    uint32_t echo = nw_whole_load("echo");

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *input = malloc(sizes[i] + 1);
        struct nw_answer a;

        memset(input, (int)('a' + i), sizes[i]);
        a = nw_harness_invoke(&nw_whole, echo, input, sizes[i]);
        if (a.status != NW_STATUS_OK)
            fail_msg("%zu bytes: %s", sizes[i], a.data);
        assert_int_equal(a.length, sizes[i]);
        assert_memory_equal(a.data, input, sizes[i]);
        free(a.data);
        free(input);
    }
}

/* The blocks of large inputs are free before the answer: of an invocation, and of a call that goes to the engine. */
static void large_inputs_are_read_early(void **state)
{
    const struct nw_load l = {.name = "relay", .so = nw_test_so("relay"), .profile = NW_PROFILE_FILES};
    uint32_t relay = nw_harness_load(&nw_whole, &l);
    static char input[1 << 20] = "nobody ";
    char expected[32];

    (void)state;
    memset(input + strlen(input), 'x', sizeof(input) - strlen(input));
    for (unsigned i = 1; i <= 4; i++) {
        size_t length = i % 2 ? sizeof(input) : NW_READ_LEAST;
        struct nw_answer a = nw_harness_invoke(&nw_whole, relay, input, length);

        snprintf(expected, sizeof(expected), "%u failed", i);
        assert_string_equal(a.data, expected);
        assert_int_equal(nw_whole.reads, (i + 1) / 2);
        free(a.data);
    }
}

static void large_nested_calls_pass(void **state)
{
    static const char *const inputs[] = {"10 0 echo", "10 40000 echo", "5 1048576 echo", "3 16777216 echo"};
    uint32_t bench;

    (void)state;
    nw_whole_load("echo");
    bench = nw_whole_load("callbench");
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct nw_answer a = nw_harness_invoke(&nw_whole, bench, inputs[i], strlen(inputs[i]));

        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
}

/* Caller and callee have the same deadline and the callee loops: only the callee's domain is torn down. */
static void a_late_callee_is_to_blame_alone(void **state)
{
    struct nw_load l = {.name = "relay", .so = nw_test_so("relay"), .profile = NW_PROFILE_FILES, .timeout_ms = 200};
    struct nw_load f = {.name = "fault", .so = nw_sample_so("fault"), .profile = NW_PROFILE_FILES, .timeout_ms = 200};
    uint32_t relay = nw_harness_load(&nw_whole, &l);

    (void)state;
    assert_int_not_equal(nw_harness_load(&nw_whole, &f), 0);
    for (int i = 0; i < 3; i++) {
        struct nw_answer a = nw_harness_invoke(&nw_whole, relay, "fault loop", 10);
        char expected[32];

        assert_true(a.status == NW_STATUS_TIMEOUT || strstr(a.data, "failed"));
        free(a.data);
        nw_harness_expect(&nw_whole, NW_CONTROL_TORN_DOWN); /* the caller may have been answered a tick before that */
        snprintf(expected, sizeof(expected), "%d ok\n", 2 * i + 2);
        nw_whole_expect(relay, "fault ok", expected);
    }
}

static void a_new_version_takes_over(void **state)
{
    struct nw_load l = {.name = "f", .so = nw_sample_so("hello"), .profile = NW_PROFILE_FILES};
    uint32_t old = nw_harness_load(&nw_whole, &l), new;

    (void)state;
    for (int i = 0; i < 30; i++) {
        uint64_t id = nw_harness_send(&nw_whole, old, "v", 1);
        struct nw_answer a;

        new = nw_harness_load(&nw_whole, &l);
        assert_int_not_equal(new, 0);
        a = nw_harness_receive(&nw_whole);
        assert_int_equal(a.id, id);
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
        nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, old);
        nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED);
        assert_int_equal(nw_whole.message.head.deployment, old);
        old = new;
        nw_whole_expect(old, "v", "Hello, v!\n");
    }
}

/* Before its func workers have waited for the first time. */
static void a_version_may_be_retired_at_once(void **state)
{
    struct nw_load l = {.name = "f", .so = nw_sample_so("hello"), .profile = NW_PROFILE_FILES, .slots = 1};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t deployment = nw_harness_load(&nw_whole, &l);

        nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, deployment);
        nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED);
        assert_int_equal(nw_whole.message.head.deployment, deployment);
    }
}

static void refusals_say_why(void **state)
{
    struct nw_load no_elf = {.name = "f", .so = "/etc/hostname", .profile = NW_PROFILE_FILES};

    (void)state;
    assert_int_equal(nw_harness_load(&nw_whole, &no_elf), 0);
    assert_non_null(strstr(nw_whole.message.text, "ELF"));
    no_elf.so = "/lib/x86_64-linux-gnu/libm.so.6";
    assert_int_equal(nw_harness_load(&nw_whole, &no_elf), 0);
    print_message("%s\n", nw_whole.message.text);
    assert_non_null(strstr(nw_whole.message.text, "faas_"));
    nw_whole_expect(nw_whole_load("hello"), "n", "Hello, n!\n");
}

/* The engine may not know yet that it has ended. */
static void orders_about_a_function_that_is_gone_change_nothing(void **state)
{
    static const uint32_t kinds[] = {NW_CONTROL_ACTIVATE, NW_CONTROL_UNNAME, NW_CONTROL_RETIRE};
    uint32_t hello = nw_whole_load("hello");

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        nw_harness_tell(&nw_whole, kinds[i], hello + 1);
    nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, hello);
    nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED);
}

/* A worker that is full takes new versions all the same, one after the other. */
static void a_full_worker_takes_new_versions(void **state)
{
    char name[16];
    struct nw_load l = {.name = name, .so = nw_sample_so("hello"), .slots = 1};
    uint32_t first = 0, next;

    (void)state;
    for (int i = 0; i < NW_FUNCTIONS_MAX; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        next = nw_harness_load(&nw_whole, &l);
        if (!next)
            fail_msg("%s was refused: %s", name, nw_whole.message.text);
        first = first ? first : next;
    }
    snprintf(name, sizeof(name), "more");
    assert_int_equal(nw_harness_load(&nw_whole, &l), 0);
    assert_non_null(
        strstr(nw_whole.message.text, "as many functions as it can have, 448; let the tenant have more workers"));
    snprintf(name, sizeof(name), "f0");
    for (int i = 0; i < 3; i++) {
        next = nw_harness_load(&nw_whole, &l);
        assert_int_not_equal(next, 0);
        nw_harness_tell(&nw_whole, NW_CONTROL_RETIRE, first);
        nw_harness_expect(&nw_whole, NW_CONTROL_RETIRED);
        first = next;
    }
    nw_whole_expect(next, "n", "Hello, n!\n");
}

static void samples_answer(void **state)
{
    uint32_t cpp = nw_whole_load("cpp"), digest = nw_whole_load("digest");

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct nw_answer a = nw_harness_invoke(&nw_whole, cpp, "abc", 3);

        if (i == 0)
            print_message("%s", a.data);
        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
    nw_whole_expect(digest, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
}

/* Many things at once, at random: the worker stays up and every invocation gets exactly one answer. */
static void chaos_loses_nothing(void **state)
{
    static const char *const faults[] = {"segv", "abort",  "exit",       "overflow", "oom",
                                         "ok",   "fdleak", "threadleak", "loop"};
    struct nw_load l = {.name = "fault",
                        .so = nw_sample_so("fault"),
                        .profile = NW_PROFILE_FILES,
                        .timeout_ms = 30,
                        .memory = 64ul << 20};
    uint32_t kinds[4], outstanding = 0;

    (void)state;
    srand(1);
    nw_whole_load("noop");
    kinds[0] = nw_harness_load(&nw_whole, &l);
    kinds[1] = nw_whole_load("callbench");
    kinds[2] = nw_whole_load("chain");
    kinds[3] = nw_whole_load("hello");
    for (int i = 0; i < 4000; i++) {
        int kind = rand() % 100 < 6 ? 0 : 1 + rand() % 3;
        const char *input = kind == 0 ? faults[rand() % 9] : kind == 1 ? "20 64" : kind == 2 ? "12" : "n";
        struct nw_answer a;

        nw_harness_send(&nw_whole, kinds[kind], input, strlen(input));
        if (++outstanding < 8)
            continue;
        a = nw_harness_receive(&nw_whole);
        if (a.status != NW_STATUS_OK && a.status != NW_STATUS_CRASHED && a.status != NW_STATUS_TIMEOUT)
            fail_msg("status %u: %s", a.status, a.data);
        free(a.data);
        outstanding--;
    }
    for (; outstanding; outstanding--)
        free(nw_harness_receive(&nw_whole).data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hello_answers, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(samples_answer, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(the_table_of_descriptors_is_large_from_the_start, nw_whole_start,
                                        nw_whole_stop),
        cmocka_unit_test_setup_teardown(nested_calls_answer, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_callee_sees_no_registers_of_its_caller, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_callee_sees_no_avx512_registers_of_its_caller, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_callee_sees_no_tiles_of_its_caller, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(large_payloads_pass, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(large_nested_calls_pass, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(large_inputs_are_read_early, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_late_callee_is_to_blame_alone, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_new_version_takes_over, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_version_may_be_retired_at_once, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(orders_about_a_function_that_is_gone_change_nothing, nw_whole_start,
                                        nw_whole_stop),
        cmocka_unit_test_setup_teardown(refusals_say_why, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(a_full_worker_takes_new_versions, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(what_the_engine_took_back_is_not_begun, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(faults_are_contained, nw_whole_start, nw_whole_stop),
        cmocka_unit_test_setup_teardown(chaos_loses_nothing, nw_whole_start, nw_whole_stop),
    };

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
