/* What clients that are slow, or gone, cost others: nothing. */
#include "engine/test/attack/greed.h"
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define MIB      (1024 * 1024)
#define BUSY     64 /* more than a worker is sent of one function at a time */
#define GIVEN_UP 8

static struct host host;

/* No timeout of these helps anybody: what waits for a slow client fails the test. */
static void start(const char *memory)
{
    const char *const flags[] = {"--arena",
                                 "16M",
                                 "--body-limit",
                                 "16M",
                                 "--body-timeout",
                                 "10m",
                                 "--write-timeout",
                                 "10m",
                                 "--payload-memory",
                                 memory,
                                 "--drain-timeout",
                                 "100ms",
                                 NULL};
    host_start(&host, flags);
    deploy(&host, "echo", "echo");
    deploy(&host, "other", "echo");
    deploy(&host, "big", "big 4194304");
}

static int set_up(void **state)
{
    (void)state;
    start("192M");
    return 0;
}

/* With less than what twelve bodies of 8 MiB may hold, also where two threads share it. */
static int set_up_short(void **state)
{
    (void)state;
    start("96M");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static void asks_with_a_body_of(size_t size)
{
    char *body = malloc(size + 1);

    memset(body, 'x', size);
    body[size] = '\0';
    expect(invoke(&host, "other", body), 200, body);
    free(body);
}

static void bodies_that_stop_short_keep_nobody_waiting(void **state)
{
    struct greed greed;

    (void)state;
    greed_hold_bodies(&greed, &host, "echo", 5, 8 * MIB);
    asks_with_a_body_of(5000);
    asks_with_a_body_of(4 * MIB);
    for (int i = 0; i < greed.n; i++) { /* and nothing of them is lost */
        struct answer answer;

        send_text(greed.fds[i], "b");
        answer = read_answer(greed.fds[i]);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.length, 8 * MIB);
        assert_int_equal(strspn(answer.body, "b"), 8 * MIB);
        answer_fini(&answer);
    }
    greed_end(&greed);
}

static void answers_that_nobody_reads_keep_nobody_waiting(void **state)
{
    struct greed greed;
    struct answer answer;

    (void)state;
    greed_hold_answers(&greed, &host, "big", 8);
    await_at_least(&host, "completed", 8);
    asks_with_a_body_of(5000);
    answer = invoke(&host, "big", "");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length, 4 * MIB);
    answer_fini(&answer);
    greed_end(&greed);
}

/* Also one that takes all of the arena by itself. */
static void an_answer_that_is_not_read_leaves_the_arena(void **state)
{
    static const char request[] = "POST /function/whole HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    struct answer answer;

    (void)state;
    deploy(&host, "whole", "big 16777216");
    int fd = host_connect(&host);
    send_text(fd, request);
    await_at_least(&host, "completed", 1);
    for (int i = 0; i < 2; i++) {
        answer = invoke(&host, "whole", "");
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.length, 16 * MIB);
        answer_fini(&answer);
    }
    answer = read_answer(fd); /* and nothing of it is lost */
    assert_int_equal(answer.length, 16 * MIB);
    assert_int_equal(strspn(answer.body, "x"), 16 * MIB);
    answer_fini(&answer);
    close(fd);
}

/* Three functions hold what inputs may hold of an arena, for as long as they run, and a fourth waits for room. */
static void large_bodies_of_others_keep_no_small_one_waiting(void **state)
{
    char name[32], *body = malloc(4 * MIB), head[128];
    int fds[4];

    (void)state;
    memset(body, 'x', 4 * MIB);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "held%d?timeout=10m", i);
        deploy(&host, name, "slow 600000");
        *strchr(name, '?') = '\0';
        fds[i] = host_connect(&host);
        snprintf(head, sizeof(head), "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", name,
                 4 * MIB);
        send_text(fds[i], head);
        send_bytes(fds[i], body, 4 * MIB);
        await_at_least(&host, "bytes_in", (i + 1) * 4 * MIB);
    }
    asks_with_a_body_of(5000);
    asks_with_a_body_of(100000);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    free(body);
}

/* When memory is short a client that moves gets what one that does not holds. */
static void the_slowest_client_is_cut_off(void **state)
{
    struct greed greed;
    struct pollfd fds[GREED_MOST];
    char *body = malloc(8 * MIB);
    int slow = 0;

    (void)state;
    greed_hold_bodies(&greed, &host, "echo", 12, 8 * MIB);
    memset(body, 'x', 8 * MIB);
    int fd = host_connect(&host);
    struct answer answer = exchange(fd, "POST", "/function/other", body, 8 * MIB);
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    for (int i = 0; i < greed.n; i++)
        fds[i] = (struct pollfd){.fd = greed.fds[i], .events = POLLIN};
    assert_true(poll(fds, (nfds_t)greed.n, HOST_WAIT_MS) > 0);
    while (!fds[slow].revents)
        slow++;
    expect_error(read_answer(greed.fds[slow]), 408, "request_timeout");
    greed_end(&greed);
    close(fd);
    free(body);
}

static void reset(int fd)
{
    const struct linger now = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

#define WAIT_1_1 "POST /function/wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"

/* What is sent, how often it asks for something, and how the client goes. */
static const struct given_up {
    const char *text;
    int requests;
    enum { RESETS, SENDS_NO_MORE_AND_RESETS, CLOSES } how;
} given_ups[] = {
    {WAIT_1_1 "\r\nx", 1, RESETS},
    {WAIT_1_1 "Connection: close\r\n\r\nx", 1, RESETS},
    {"POST /function/wait HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", 1, RESETS},
    {WAIT_1_1 "\r\nx", 1, SENDS_NO_MORE_AND_RESETS},
    {WAIT_1_1 "\r\nx", 70, RESETS},
    {WAIT_1_1 "\r\nx", 1, CLOSES},
    {WAIT_1_1 "Connection: close\r\n\r\nx", 1, CLOSES},
    {WAIT_1_1 "\r\nx", 5, CLOSES},
    {WAIT_1_1 "\r\nx", 70, CLOSES}, /* of which some are not read */
};

static void what_was_given_up_is_not_run(void **state)
{
    int busy[BUSY], fds[GIVEN_UP];
    long abandoned = 0;

    (void)state;
    deploy(&host, "wait", "slow 600000");
    for (int i = 0; i < BUSY; i++) {
        busy[i] = host_connect(&host);
        send_text(busy[i], given_ups[0].text);
    }
    await_at_least(&host, "requests", status_number(&host, "completed") + BUSY);
    for (size_t k = 0; k < sizeof(given_ups) / sizeof(given_ups[0]); k++) {
        long requests = status_number(&host, "requests");
        int n = given_ups[k].requests < 64 ? given_ups[k].requests : 64; /* of which so many are taken in */

        for (int i = 0; i < GIVEN_UP; i++) {
            fds[i] = host_connect(&host);
            for (int j = 0; j < given_ups[k].requests; j++)
                send_text(fds[i], given_ups[k].text);
            if (given_ups[k].how == SENDS_NO_MORE_AND_RESETS)
                shutdown(fds[i], SHUT_WR);
        }
        await_at_least(&host, "requests", requests + GIVEN_UP * n);
        for (int i = 0; i < GIVEN_UP; i++)
            given_ups[k].how == CLOSES ? (void)close(fds[i]) : reset(fds[i]);
        abandoned += GIVEN_UP * n;
        await_at_least(&host, "abandoned", abandoned);
    }
    for (int i = 0; i < BUSY; i++)
        reset(busy[i]);
    asks_with_a_body_of(5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_that_stop_short_keep_nobody_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_that_nobody_reads_keep_nobody_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_that_is_not_read_leaves_the_arena, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_bodies_of_others_keep_no_small_one_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_slowest_client_is_cut_off, set_up_short, tear_down),
        cmocka_unit_test_setup_teardown(what_was_given_up_is_not_run, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine/clients", tests, NULL, NULL);
}
