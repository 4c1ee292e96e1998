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

int nw_whole_start(void **state)
{
    const char *text = getenv("NW_TEST_MODE");
    char why[256];
    enum nw_mode mode;

    (void)state;
    if (text)
        mode = (enum nw_mode)nw_mode_parse(text);
    else
        mode = nw_mode_mpk_usable(why, sizeof(why)) ? NW_MODE_MPK : NW_MODE_NONE; /* both hold many functions */
    nw_harness_start(&nw_whole, mode, 2);
    return 0;
}

int nw_whole_stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_whole);
    return 0;
}
