/* What a function of profile compute has to wait with for several files at once; in modes mpk and process. */
#include "common/manifest/resources.h"
#include "common/test/test.h"
#include "worker/test/harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nw_harness harness;
static enum nw_mode mode;

static int start(void **state)
{
    (void)state;
    nw_harness_start(&harness, mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&harness);
    return 0;
}

static uint32_t load(const char *name)
{
    char path[512];
    const struct nw_load l = {.name = name, .so = path, .slots = 1, .timeout_ms = 5000};
    uint32_t deployment;

    snprintf(path, sizeof(path), "%s/test/worker/events.so", getenv("NW_BUILD") ? getenv("NW_BUILD") : "build");
    deployment = nw_harness_load(&harness, &l);
    if (!deployment)
        fail_msg("refused: %s", harness.message.text);
    return deployment;
}

static void answers(uint32_t function, const char *input, const char *expect)
{
    struct nw_answer a = nw_harness_invoke(&harness, function, input, strlen(input));

    assert_int_equal(a.status, NW_STATUS_OK);
    assert_string_equal(a.data, expect);
    free(a.data);
}

static void a_loop_hears_threads_pipes_and_timers(void **state)
{
    uint32_t function = load("events");

    (void)state;
    answers(function, "", "ept-");
    answers(function, "", "ept-");
}

static void what_a_domain_watches_is_counted(void **state)
{
    uint32_t function = load("events");
    char limit[64];

    (void)state;
    snprintf(limit, sizeof(limit), "%d %d", NW_LIMIT_WATCHES, NW_LIMIT_WATCHES);
    answers(function, "h", limit);
    answers(function, "h", limit);
}

static void a_closed_number_is_watched_no_more(void **state)
{
    (void)state;
    answers(load("events"), "d", "e- EINVAL");
}

static void select_and_ppoll_say_what_is_ready(void **state)
{
    (void)state;
    answers(load("events"), "s", "4 011 0 EBADF 1 0");
}

static void epolls_watch_what_the_kernel_lets_them(void **state)
{
    (void)state;
    answers(load("events"), "w", "EINVAL EINVAL EEXIST EBADF");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(a_loop_hears_threads_pipes_and_timers),  TEST(what_a_domain_watches_is_counted),
        TEST(a_closed_number_is_watched_no_more),     TEST(select_and_ppoll_say_what_is_ready),
        TEST(epolls_watch_what_the_kernel_lets_them),
    };

    mode = in;
    return _cmocka_run_group_tests(nw_mode_name(in), tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
    char why[256];
    int failed = 0;

    if (nw_mode_mpk_usable(why, sizeof(why)))
        failed += run_mode(NW_MODE_MPK);
    else
        print_message("mode mpk: %s\n", why);
    failed += run_mode(NW_MODE_PROCESS);
    return failed != 0;
}
