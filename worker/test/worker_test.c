/* A whole worker process with real functions, driven over its ring as the engine does it. NW_TEST_MODE picks the mode.
 */
#include "worker/test/harness.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nw_harness h;

static const char *so(const char *name)
{
    static char path[512];
    const char *build = getenv("NW_BUILD");

    snprintf(path, sizeof(path), "%s/functions/%s/%s.so", build ? build : "build", name, name);
    return path;
}

static uint32_t load(const char *name)
{
    struct nw_load l = {.name = name, .so = so(name)};
    uint32_t deployment = nw_harness_load(&h, &l);

    if (!deployment)
        fail_msg("%s was refused: %s", name, h.message.text);
    return deployment;
}

static void expect(uint32_t deployment, const char *input, const char *output)
{
    struct nw_answer answer = nw_harness_invoke(&h, deployment, input, strlen(input));

    assert_string_equal(answer.data, output);
    assert_int_equal(answer.status, NW_STATUS_OK);
    free(answer.data);
}

static int start(void **state)
{
    const char *mode = getenv("NW_TEST_MODE");

    (void)state;
    nw_harness_start(&h, mode ? (enum nw_mode)nw_mode_parse(mode) : NW_MODE_MPK, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&h);
    return 0;
}

static void hello_answers(void **state)
{
    uint32_t hello = load("hello");

    (void)state;
    for (int i = 0; i < 100; i++)
        expect(hello, "World", "Hello, World!\n");
}

static void nested_calls_answer(void **state)
{
    uint32_t foo, chain;

    (void)state;
    load("bar");
    foo = load("foo");
    chain = load("chain");
    for (int i = 0; i < 50; i++) {
        struct nw_answer a = nw_harness_invoke(&h, foo, "x", 1);

        assert_int_equal(a.status, NW_STATUS_OK);
        free(a.data);
    }
    for (int depth = 1; depth < 64; depth += 7) {
        char input[16];
        struct nw_answer a;

        snprintf(input, sizeof(input), "%d", depth);
        a = nw_harness_invoke(&h, chain, input, strlen(input));
        print_message("chain %d: status %u %s\n", depth, a.status, a.data);
        free(a.data);
    }
}

static void nested_call_is_fast(void **state)
{
    uint32_t bench;

    (void)state;
    load("noop");
    bench = load("callbench");
    for (int i = 0; i < 3; i++) {
        static const char *const inputs[] = {"200000 64", "200000 1024", "20000 65536", "500 1048576"};

        for (size_t k = 0; k < 4; k++) {
            struct nw_answer a = nw_harness_invoke(&h, bench, inputs[k], strlen(inputs[k]));

            assert_int_equal(a.status, NW_STATUS_OK);
            print_message("%s", a.data);
            free(a.data);
        }
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
    uint32_t hello = load("hello"), fault;
    struct nw_load l = {.name = "fault", .so = so("fault"), .timeout_ms = 300, .memory = 64ul << 20};

    (void)state;
    fault = nw_harness_load(&h, &l);
    assert_int_not_equal(fault, 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bad = nw_harness_send(&h, fault, rows[i].input, strlen(rows[i].input));
        bool answered = false;

        while (!answered) {
            struct nw_answer a;

            nw_harness_send(&h, hello, "n", 1);
            a = nw_harness_receive(&h);
            if (a.id == bad) {
                answered = true;
                print_message("%s: %u %s\n", rows[i].input, a.status, a.data);
                assert_int_equal(a.status, rows[i].status);
                free(a.data);
                a = nw_harness_receive(&h);
            }
            assert_int_equal(a.status, NW_STATUS_OK);
            assert_string_equal(a.data, "Hello, n!\n");
            free(a.data);
        }
        expect(fault, "ok", "ok\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hello_answers, start, stop),
        cmocka_unit_test_setup_teardown(nested_calls_answer, start, stop),
        cmocka_unit_test_setup_teardown(nested_call_is_fast, start, stop),
        cmocka_unit_test_setup_teardown(faults_are_contained, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
