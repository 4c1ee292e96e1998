/* Signals of a function within its domain; in modes mpk and process. */
#include "common/manifest/resources.h"
#include "common/test/test.h"
#include "worker/test/whole.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t function;

static uint32_t load(uint32_t timeout_ms)
{
    return nw_whole_must((struct nw_load){.so = "signals", .slots = 1, .timeout_ms = timeout_ms});
}

static int start(void **state)
{
    nw_whole_start(state);
    function = load(10000);
    return 0;
}

static void answers(const char *input, const char *expect)
{
    struct nw_answer a = nw_harness_invoke(&nw_whole, function, input, strlen(input));

    if (a.status != NW_STATUS_OK || strcmp(a.data, expect) != 0)
        fail_msg("%s: status %d, \"%s\" instead of \"%s\"", input, (int)a.status, a.data, expect);
    free(a.data);
}

static void ends(const char *input, enum nw_status status, const char *why)
{
    struct nw_answer a = nw_harness_invoke(&nw_whole, function, input, strlen(input));

    assert_int_equal(a.status, status);
    if (!strstr(a.data, why))
        fail_msg("%s: \"%s\" instead of \"%s\"", input, a.data, why);
    free(a.data);
}

static void what_it_sends_itself_reaches_its_handler(void **state)
{
    (void)state;
    answers("raise", "10 tkill");
    answers("kill", "10 user ESRCH");
    answers("mask", "0 1 12");
    answers("wait", "10 -1 EAGAIN");
    answers("ignored", "alive");
    ends("deadly", NW_STATUS_CRASHED, "raised SIGUSR1");
}

static void what_is_interrupted_goes_on_unchanged(void **state)
{
    (void)state;
    answers("registers", "10 kept kept kept 0");
    answers("interrupted", "right");
}

static void what_waits_is_interrupted(void **state)
{
    (void)state;
    answers("sleep", "EINTR 59");
    answers("read", "EINTR");
    answers("restart", "1 14");
    answers("epoll", "EINTR");
    answers("pause", "EINTR 14");
    answers("suspend", "EINTR 14 1");
}

static void timers_expire(void **state)
{
    char limit[32];

    (void)state;
    snprintf(limit, sizeof(limit), "%d EAGAIN", NW_LIMIT_SIGNAL_TIMERS);
    answers("timers", limit);
    answers("timers", limit);
    answers("old-timer", "100 0 EINVAL");
}

static void faults_reach_their_handler(void **state)
{
    (void)state;
    answers("fault", "11 0x8 unmapped");
    answers("skip", "4 42");
    answers("divide", "8 division");
    answers("overflow", "11 0");
    ends("fault-twice", NW_STATUS_CRASHED, "SIGSEGV at address 0x8");
    ends("overflow-without", NW_STATUS_CRASHED, "SIGSEGV");
    answers("fault", "11 0x8 unmapped");
}

static void threads_are_interrupted(void **state)
{
    (void)state;
    answers("threads", "EINTR");
}

static void signals_without_end_meet_the_deadline(void **state)
{
    (void)state;
    function = load(100);
    ends("forever", NW_STATUS_TIMEOUT, "deadline");
    answers("raise", "10 tkill");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, nw_whole_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_sends_itself_reaches_its_handler),
        TEST(what_is_interrupted_goes_on_unchanged),
        TEST(what_waits_is_interrupted),
        TEST(timers_expire),
        TEST(faults_reach_their_handler),
        TEST(threads_are_interrupted),
        TEST(signals_without_end_meet_the_deadline),
    };

    return NW_WHOLE_RUN(tests);
}
