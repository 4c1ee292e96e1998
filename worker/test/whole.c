/* See whole.h. */
#include "worker/test/whole.h"
#include "common/manifest/manifest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct nw_harness nw_whole;
enum nw_mode nw_whole_mode;
uint32_t nw_whole_executors = 2;

static const struct CMUnitTest *run_tests; /* those of nw_whole_run, which has set the mode; or NULL */
static size_t n_run_tests;

const char *nw_sample_so(const char *name)
{
    static char paths[8][512];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    const char *build = getenv("NW_BUILD");

    snprintf(path, sizeof(paths[0]), "%s/functions/%s/%s.so", build ? build : "build", name, name);
    return path;
}

const char *nw_test_so(const char *name)
{
    static char path[512];
    const char *build = getenv("NW_BUILD");

    snprintf(path, sizeof(path), "%s/test/worker/%s.so", build ? build : "build", name);
    return path;
}

uint32_t nw_whole_load(const char *name)
{
    struct nw_load l = {.name = name, .so = nw_sample_so(name), .profile = NW_PROFILE_FILES};
    uint32_t deployment = nw_harness_load(&nw_whole, &l);

    if (!deployment)
        fail_msg("%s was refused: %s", name, nw_whole.message.text);
    return deployment;
}

void nw_whole_expect(uint32_t deployment, const char *input, const char *output)
{
    struct nw_answer answer = nw_harness_invoke(&nw_whole, deployment, input, strlen(input));

    assert_string_equal(answer.data, output);
    assert_int_equal(answer.status, NW_STATUS_OK);
    free(answer.data);
}

uint32_t nw_whole_try(struct nw_load load)
{
    load.name = load.name ? load.name : load.so;
    load.so = nw_test_so(load.so);
    return nw_harness_load(&nw_whole, &load);
}

uint32_t nw_whole_must(struct nw_load load)
{
    uint32_t deployment = nw_whole_try(load);

    if (!deployment)
        fail_msg("%s was refused: %s", load.so, nw_whole.message.text);
    return deployment;
}

static enum nw_mode usual_mode(void)
{
    const char *text = getenv("NW_TEST_MODE");
    char why[256];

    if (text)
        return (enum nw_mode)nw_mode_parse(text);
    return nw_mode_mpk_usable(why, sizeof(why)) ? NW_MODE_MPK : NW_MODE_NONE; /* both hold many functions */
}

int nw_whole_start(void **state)
{
    (void)state;
    if (!run_tests)
        nw_whole_mode = usual_mode();
    nw_harness_start(&nw_whole, nw_whole_mode, nw_whole_executors);
    return 0;
}

int nw_whole_stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_whole);
    return 0;
}

static int run_in(enum nw_mode mode)
{
    nw_whole_mode = mode;
    return _cmocka_run_group_tests(nw_mode_name(mode), run_tests, n_run_tests, NULL, NULL);
}

int nw_whole_run(const struct CMUnitTest *tests, size_t n)
{
    run_tests = tests;
    n_run_tests = n;
    return nw_harness_run_modes(run_in);
}
