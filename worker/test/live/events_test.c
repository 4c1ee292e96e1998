/* epoll, select and ppoll in functions of profile compute; in modes mpk and process. */
#include "common/manifest/resources.h"
#include "common/test/test.h"
#include "worker/test/whole.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t load(const char *name)
{
    return nw_whole_must((struct nw_load){.name = name, .so = "events", .slots = 1, .timeout_ms = 5000});
}

static void answers(uint32_t function, const char *input, const char *expect)
{
    struct nw_answer a = nw_harness_invoke(&nw_whole, function, input, strlen(input));

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, nw_whole_start, nw_whole_stop)
    const struct CMUnitTest tests[] = {
        TEST(a_loop_hears_threads_pipes_and_timers),  TEST(what_a_domain_watches_is_counted),
        TEST(a_closed_number_is_watched_no_more),     TEST(select_and_ppoll_say_what_is_ready),
        TEST(epolls_watch_what_the_kernel_lets_them),
    };

    return NW_WHOLE_RUN(tests);
}
