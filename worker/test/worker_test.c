/* A whole worker process with real functions, driven over its ring as the engine does it. NW_TEST_MODE picks the mode. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hello_answers, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
