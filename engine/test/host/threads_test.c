/*
 * Several threads of the engine: what is deployed holds for all of them at once, what runs on any of them is finished,
 * their figures add up, and a worker that breaks the rules of one channel is lost to all of them.
 */
#include "engine/test/host/host.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define THREADS     3
#define CONNECTIONS 48 /* so many that none of the threads gets none of them */
#define ELSEWHERE   8

static struct host host;

static int set_up(void **state)
{
    (void)state;
    static const char *const flags[] = {"--mode", "process", "--engine-threads", "3", NULL};
    unsetenv("NW_TEST_THREADS");
    host_start(&host, flags);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

/* Over connections that stay open until the last of them was used. */
static void expect_everywhere(const char *name, int status, const char *body)
{
    char path[64];
    int fds[CONNECTIONS];
    snprintf(path, sizeof path, "/function/%s", name);
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = host_connect(&host);
    for (int i = 0; i < CONNECTIONS; i++)
        expect(exchange(fds[i], "POST", path, "x", 1), status, body);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
}

/* Requests of the main thread, which is the first in the list. */
static long main_requests(void)
{
    struct answer answer = admin(&host, "GET", "/v1/status", "");
    const char *at = strstr(answer.body, "\"threads\":[");
    at = at ? strstr(at, "\"requests\":") : NULL;
    assert_non_null(at);
    long requests = strtol(at + strlen("\"requests\":"), NULL, 10);
    answer_fini(&answer);
    return requests;
}

/* A connection that the main thread does not have. */
static int connect_elsewhere(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        long before = main_requests();
        int fd = host_connect(&host);
        expect(exchange(fd, "POST", "/function/echo", "x", 1), 200, "x");
        if (main_requests() == before)
            return fd;
        close(fd);
    }
    fail_msg("every connection went to the main thread");
    return -1;
}

static void send_elsewhere(int fds[ELSEWHERE], const char *name)
{
    char head[128];
    snprintf(head, sizeof head, "POST /function/%s HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", name);
    for (int i = 0; i < ELSEWHERE; i++)
        fds[i] = connect_elsewhere();
    for (int i = 0; i < ELSEWHERE; i++)
        send_text(fds[i], head);
}

static void receive_elsewhere(const int fds[ELSEWHERE])
{
    for (int i = 0; i < ELSEWHERE; i++) {
        expect(read_answer(fds[i]), 200, "x");
        close(fds[i]);
    }
}

static void every_thread_serves_and_counts(void **state)
{
    (void)state;
    deploy(&host, "echo", "echo");
    long before = status_number(&host, "completed");
    expect_everywhere("echo", 200, "x");
    await_at_least(&host, "completed", before + CONNECTIONS);
    assert_int_equal(status_number(&host, "completed"), before + CONNECTIONS);
    struct answer answer = admin(&host, "GET", "/v1/status", "");
    const char *at = strstr(answer.body, "\"threads\":[");
    assert_non_null(at);
    for (int i = 0; i < THREADS; i++) {
        at = strstr(at, "\"requests\":");
        assert_non_null(at);
        at += strlen("\"requests\":");
        assert_true(strtol(at, NULL, 10) > 0);
    }
    answer_fini(&answer);
}

static void a_deployment_holds_for_every_thread_when_it_is_done(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++) {
        char behaviour[32];
        snprintf(behaviour, sizeof behaviour, "say version %d", i);
        deploy(&host, "turn", behaviour);
        expect_everywhere("turn", 200, behaviour + strlen("say "));
    }
    expect(admin(&host, "DELETE", "/v1/functions/turn", ""), 200, NULL);
    expect_everywhere("turn", 404, NULL);
}

/* With one slot more wait in the thread than the worker has: it must not hear that the version retires before it has
 * them all, although the main thread has none. */
static void a_version_ends_what_another_thread_has(void **state)
{
    (void)state;
    int fds[ELSEWHERE];
    expect(admin(&host, "PUT", "/v1/functions/aging?slots=1", "slow 100"), 200, NULL);
    long in_use = status_number(&host, "deployments");
    send_elsewhere(fds, "aging");
    await_at_least(&host, "in_flight", 1);
    deploy(&host, "aging", "say new");
    expect_everywhere("aging", 200, "new");
    receive_elsewhere(fds);
    await_at_most(&host, "deployments", in_use);
}

static void a_worker_is_lost_to_every_thread(void **state)
{
    (void)state;
    static const char *const kinds[] = {"bad-id", "bad-tail", "call-elsewhere", "complete-elsewhere"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char behaviour[64];
        long lost = status_number(&host, "workers_lost");
        snprintf(behaviour, sizeof behaviour, "hostile %s", kinds[i]);
        deploy(&host, "evil", behaviour);
        expect_error(invoke(&host, "evil", "x"), 502, "worker_lost");
        await_at_least(&host, "workers_lost", lost + 1);
        deploy(&host, "evil", "echo");
        expect_everywhere("evil", 200, "x");
        expect_everywhere("echo", 200, "x");
    }
}

/* Nested calls go by the main thread, whichever has their caller. */
static void nested_calls_come_back_to_every_thread(void **state)
{
    (void)state;
    deploy(&host, "caller", "call echo");
    expect_everywhere("caller", 200, "x");
}

static void a_restarted_worker_serves_every_thread(void **state)
{
    (void)state;
    deploy(&host, "mortal", "exit");
    expect_error(invoke(&host, "mortal", "x"), 502, "worker_lost");
    host_kill_launcher(&host);
    host_start_launcher(&host);
    eventually(&host, "echo", "x", "x");
    expect_everywhere("echo", 200, "x");
}

/* The last test: the host ends. */
static void what_runs_on_another_thread_is_finished_before_the_end(void **state)
{
    (void)state;
    int fds[ELSEWHERE];
    expect(admin(&host, "PUT", "/v1/functions/slow?slots=64", "slow 2000"), 200, NULL);
    send_elsewhere(fds, "slow");
    await_at_least(&host, "in_flight", ELSEWHERE);
    kill(host.engine, SIGTERM);
    receive_elsewhere(fds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_serves_and_counts),
        cmocka_unit_test(a_deployment_holds_for_every_thread_when_it_is_done),
        cmocka_unit_test(a_version_ends_what_another_thread_has),
        cmocka_unit_test(a_worker_is_lost_to_every_thread),
        cmocka_unit_test(nested_calls_come_back_to_every_thread),
        cmocka_unit_test(a_restarted_worker_serves_every_thread),
        cmocka_unit_test(what_runs_on_another_thread_is_finished_before_the_end),
    };
    return cmocka_run_group_tests_name("engine threads", tests, set_up, tear_down);
}
