/* What clients that are slow, or gone, cost others: nothing. */
#include "engine/test/greed.h"
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
#define ROUNDS   2000

static struct host host;

/* No timeout of these helps anybody: what waits for a slow client fails the test. */
static int set_up(void **state)
{
    (void)state;
    static const char *const flags[] = {"--arena",
                                        "16M",
                                        "--body-limit",
                                        "8M",
                                        "--body-timeout",
                                        "10m",
                                        "--write-timeout",
                                        "10m",
                                        "--payload-memory",
                                        "48M",
                                        "--drain-timeout",
                                        "100ms",
                                        NULL};
    host_start(&host, flags);
    deploy(&host, "echo", "echo");
    deploy(&host, "other", "echo");
    deploy(&host, "big", "big 4194304");
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

/* When memory is short a client that moves gets what one that does not holds. */
static void the_slowest_client_is_cut_off(void **state)
{
    struct greed greed;
    struct answer answer = {0};
    char *body = malloc(8 * MIB);
    int rounds = 0;

    (void)state;
    greed_hold_bodies(&greed, &host, "echo", 12, 8 * MIB);
    memset(body, 'x', 8 * MIB);
    while (answer.status != 200 && rounds++ < ROUNDS) {
        int fd = host_connect(&host);

        answer_fini(&answer);
        answer = exchange(fd, "POST", "/function/other", body, 8 * MIB);
        close(fd);
        assert_true(answer.status == 200 || answer.status == 503);
    }
    assert_int_equal(answer.status, 200);
    answer_fini(&answer);
    free(body);
    expect_error(read_answer(greed.fds[0]), 408, "request_timeout");
    greed_end(&greed);
}

static void reset(int fd)
{
    const struct linger now = {.l_onoff = 1};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

/* What is sent, how often it asks for something, and whether the client says first that nothing more comes. */
static const struct given_up {
    const char *text;
    int requests;
    bool half_closed;
} given_ups[] = {
    {"POST /function/wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 1, false},
    {"POST /function/wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", 1, false},
    {"POST /function/wait HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", 1, false},
    {"POST /function/wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 1, true},
    {"POST /function/wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 70, false},
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
            if (given_ups[k].half_closed)
                shutdown(fds[i], SHUT_WR);
        }
        await_at_least(&host, "requests", requests + GIVEN_UP * n);
        for (int i = 0; i < GIVEN_UP; i++)
            reset(fds[i]);
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
        cmocka_unit_test_setup_teardown(the_slowest_client_is_cut_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_given_up_is_not_run, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("engine/clients", tests, NULL, NULL);
}
