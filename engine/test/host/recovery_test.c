/*
 * Workers that are lost in quick succession: whose doing it was decides whether anybody waits. What is asked is not how
 * long something took, but whether the engine said that it waits. And functions that cannot be moved to another worker.
 */
#include "engine/test/host/host.h"
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define OFTEN   8
#define DEADLY  4
#define KEYS    13 /* of a worker that does not say how many it has */
#define CLIENTS 8
#define MANY    400

#define CONNECTIONS 50 /* to the admin API, which takes 64 */

#define WAITING "keeps ending: it is started again in"
#define LATE    "workers keep ending while they run function \"exit\": it is loaded again in"

static struct host host;
static int said; /* a file with what the programs of the host said */

static int set_up_with(const char *const *flags)
{
    char name[] = "/tmp/nw-recovery-XXXXXX";
    int own = dup(STDERR_FILENO);
    said = mkstemp(name);
    assert_true(said >= 0 && own >= 0);
    unlink(name);
    dup2(said, STDERR_FILENO);
    host_start(&host, flags);
    dup2(own, STDERR_FILENO);
    close(own);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_with((const char *[]){NULL});
}

/* Several, so that it is likely not the main one that has a connection. */
static int set_up_threads(void **state)
{
    (void)state;
    return set_up_with((const char *[]){"--engine-threads", "4", NULL});
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    close(said);
    return 0;
}

static unsigned count_said(const char *text)
{
    static char all[1 << 20];
    unsigned times = 0;
    ssize_t n = pread(said, all, sizeof all - 1, 0);
    assert_true(n >= 0);
    all[n] = '\0';
    for (const char *at = all; (at = strstr(at, text)); at++)
        times++;
    return times;
}

static bool was_said(const char *text)
{
    return count_said(text) > 0;
}

/* The next worker, once it is up: then it loads what there is. */
static pid_t await_worker(pid_t before)
{
    pid_t pid = before;
    for (int ms = 0; ms < HOST_WAIT_MS && (pid == before || pid <= 0); ms++, usleep(1000)) {
        struct answer answer = admin(&host, "GET", "/v1/status", "");
        const char *at = strstr(answer.body, "\"workers\":[{");
        bool up = at && strstr(at, "\"state\":\"up\"");
        at = at ? strstr(at, "\"pid\":") : NULL;
        pid = up ? (pid_t)strtol(at + strlen("\"pid\":"), NULL, 10) : 0;
        answer_fini(&answer);
    }
    assert_true(pid > 0 && pid != before);
    return pid;
}

static bool in_flight(void)
{
    struct answer answer = admin(&host, "GET", "/v1/status", "");
    bool some = strstr(answer.body, "\"in_flight\":1");
    answer_fini(&answer);
    return some;
}

static void starts_at_once_what_somebody_kills(void **state)
{
    (void)state;
    deploy(&host, "echo", "echo");
    pid_t worker = await_worker(0);
    for (int i = 0; i < OFTEN; i++) {
        assert_int_equal(kill(worker, SIGKILL), 0);
        worker = await_worker(worker);
    }
    eventually(&host, "echo", "again", "again");
    assert_false(was_said(WAITING));
}

/* The function that is to blame is loaded again after a pause, the others at once. */
static void blames_the_function_that_ends_its_workers(void **state)
{
    (void)state;
    deploy(&host, "exit", "exit");
    deploy(&host, "echo", "echo");
    for (int i = 0; i < OFTEN && !was_said(LATE); i++) {
        expect_error(invoke(&host, "exit", ""), 502, "worker_lost");
        eventually(&host, "echo", "again", "again");
    }
    assert_true(was_said(LATE));
    assert_false(was_said(WAITING));
}

/* Clients of a function that is not to blame, which is under way for each of them in the end: likely on all threads. */
static void keep_busy(int clients[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = host_connect(&host);
        struct answer answer = exchange(clients[i], "POST", "/function/good", "hi", 2);
        expect(answer, 200, "hi");
        send_text(clients[i], "POST /function/good HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nhang");
    }
    await_at_least(&host, "in_flight", CLIENTS);
}

/* Each thread of the engine knows another part of what had begun. */
static void blames_one_function_for_all_threads(void **state)
{
    (void)state;
    int clients[OFTEN][CLIENTS], rounds = 0;
    deploy(&host, "exit", "exit");
    deploy(&host, "good", "hang-on hang");
    while (rounds < OFTEN && !was_said(LATE)) {
        eventually(&host, "good", "again", "again");
        keep_busy(clients[rounds++]);
        expect_error(invoke(&host, "exit", ""), 502, "worker_lost");
    }
    assert_true(was_said(LATE));
    assert_false(was_said("while they run function \"good\""));
    assert_false(was_said(WAITING));
    while (rounds-- > 0)
        for (int i = 0; i < CLIENTS; i++)
            close(clients[rounds][i]);
}

/* A worker that ends again and again, while it runs nothing that could be to blame. */
static void waits_for_a_worker_that_ends_by_itself(void **state)
{
    (void)state;
    deploy(&host, "echo", "exit-after");
    for (int i = 0; i < OFTEN && !was_said(WAITING); i++) {
        pid_t worker = await_worker(0);
        eventually(&host, "echo", "hi", "hi");
        await_worker(worker);
    }
    assert_true(was_said(WAITING));
}

/* Functions that end each worker that loads them: they are refused one after the other, and nobody waits for that. */
static void does_not_wait_for_what_ends_workers_when_it_is_loaded(void **state)
{
    (void)state;
    char name[24];
    for (int i = 0; i < DEADLY; i++) {
        snprintf(name, sizeof name, "deadly%d", i);
        deploy(&host, name, "die-reloading");
    }
    deploy(&host, "good", "say good");
    pid_t worker = await_worker(0);
    kill(worker, SIGKILL);
    await_worker(worker);
    for (int i = 0; i < DEADLY; i++) {
        snprintf(name, sizeof name, "deadly%d", i);
        expect_error(invoke(&host, name, ""), 503, "unavailable");
    }
    eventually(&host, "good", "", "good");
    assert_false(was_said(WAITING));
}

/* What is loaded while somebody kills its worker is not to blame. */
static void does_not_blame_a_function_for_a_kill(void **state)
{
    (void)state;
    deploy(&host, "slow", "sleep-reloading");
    pid_t worker = await_worker(0);
    for (int i = 0; i < 4; i++) {
        kill(worker, SIGKILL);
        worker = await_worker(worker);
    }
    struct answer answer = admin(&host, "GET", "/v1/functions/slow", "");
    assert_null(strstr(answer.body, "\"state\":\"failed\""));
    expect(answer, 200, NULL);
}

/* Its invocation would wait for its deadline, 10 s and more, and others behind it. */
static void gives_up_a_worker_that_is_stopped(void **state)
{
    (void)state;
    deploy(&host, "slow", "slow 60000");
    deploy(&host, "echo", "echo");
    pid_t worker = await_worker(0);
    int fd = host_connect(&host);
    send_text(fd, "POST /function/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    for (int ms = 0; ms < HOST_WAIT_MS && !in_flight(); ms++)
        usleep(1000);
    expect(invoke(&host, "echo", "behind it"), 200, "behind it"); /* so the worker has begun it */
    assert_int_equal(kill(worker, SIGSTOP), 0);
    expect_error(read_answer(fd), 502, "worker_lost");
    close(fd);
    assert_true(was_said("it is stopped"));
    await_worker(worker);
    eventually(&host, "echo", "again", "again");
    assert_false(was_said(WAITING));
}

/* The worker runs nothing, and does not answer the order to end a function. */
static void gives_up_a_worker_that_is_stopped_and_has_something_to_end(void **state)
{
    (void)state;
    deploy(&host, "gone", "echo");
    deploy(&host, "echo", "echo");
    pid_t worker = await_worker(0);
    assert_int_equal(kill(worker, SIGSTOP), 0);
    expect(admin(&host, "DELETE", "/v1/functions/gone", ""), 200, NULL);
    await_worker(worker);
    assert_true(was_said("it is stopped"));
    eventually(&host, "echo", "again", "again");
    assert_false(was_said(WAITING));
}

/* Sent in the ring, with and without a block in the arena. */
static void sends_again(const char *input)
{
    long before = status_number(&host, "sent_again");
    struct answer answer = invoke(&host, "late", input);
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, input);
    answer_fini(&answer);
    assert_int_equal(status_number(&host, "sent_again"), before + 1);
}

static void sends_again_what_a_lost_worker_had_not_begun(void **state)
{
    (void)state;
    deploy(&host, "late", "exit-before 1");
    sends_again("small");
}

static void sends_again_a_large_input(void **state)
{
    static char large[200001];
    (void)state;
    memset(large, 'x', sizeof large - 1);
    deploy(&host, "late", "exit-before 1");
    sends_again(large);
}

static void does_not_send_again_for_ever(void **state)
{
    (void)state;
    deploy(&host, "never", "exit-before 1000000");
    expect_error(invoke(&host, "never", ""), 502, "worker_lost");
    assert_int_equal(status_number(&host, "sent_again"), 2);
}

static void does_not_send_again_what_had_begun(void **state)
{
    (void)state;
    deploy(&host, "exit", "exit");
    expect_error(invoke(&host, "exit", ""), 502, "worker_lost");
    assert_int_equal(status_number(&host, "sent_again"), 0);
}

/* A stopped worker still lives, and could begin at any moment what it was sent. */
static void sends_again_what_a_stopped_worker_was_sent(void **state)
{
    (void)state;
    deploy(&host, "echo", "echo");
    pid_t worker = await_worker(0);
    assert_int_equal(kill(worker, SIGSTOP), 0);
    expect(invoke(&host, "echo", "hi"), 200, "hi");
    assert_int_equal(status_number(&host, "sent_again"), 1);
    assert_true(was_said("it is stopped"));
}

static int begin(const char *name)
{
    char head[128];
    int fd = host_connect(&host);
    snprintf(head, sizeof head, "POST /function/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi", name);
    send_text(fd, head);
    for (int ms = 0; ms < HOST_WAIT_MS && !in_flight(); ms++)
        usleep(1000);
    return fd;
}

/* The engine finds all at once that there is an answer, that the socket is closed, and that the process has ended. */
static void delivers_what_a_worker_answered_before_it_ended(void **state)
{
    (void)state;
    deploy(&host, "last", "exit-after signal");
    pid_t worker = await_worker(0);
    int fd = begin("last");
    assert_int_equal(kill(host.engine, SIGSTOP), 0);
    assert_int_equal(kill(worker, SIGUSR1), 0);
    for (int ms = 0; ms < HOST_WAIT_MS && kill(worker, 0) == 0; ms++)
        usleep(1000);
    assert_int_equal(kill(host.engine, SIGCONT), 0);
    expect(read_answer(fd), 200, "hi");
    close(fd);
}

/* Sends one request for each of many functions, over few connections, and reads the answers. */
static void for_each_of_many(const char *method, const char *body)
{
    int fds[CONNECTIONS];
    char head[256];
    for (int i = 0; i < CONNECTIONS; i++)
        fds[i] = host_connect_admin(&host);
    for (int i = 0; i < MANY; i++) {
        snprintf(head, sizeof head, "%s /v1/functions/many%d HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
                 method, i, strlen(body), body);
        send_text(fds[i % CONNECTIONS], head);
    }
    for (int i = 0; i < MANY; i++)
        expect(read_answer(fds[i % CONNECTIONS]), 200, NULL);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
}

/* Its socket takes fewer messages than it is sent, and it reads none before all are. */
static void many_removals_do_not_cost_a_worker(void **state)
{
    (void)state;
    struct answer answer = admin(&host, "PUT", "/v1/functions/deaf?timeout=1m", "echo-after signal");
    expect(answer, 200, NULL);
    for_each_of_many("PUT", "echo");
    pid_t worker = await_worker(0);
    int fd = begin("deaf");
    for_each_of_many("DELETE", "");
    assert_true(status_number(&host, "deployments") > MANY / 2); /* it was told, and has not ended them */
    assert_int_equal(kill(worker, SIGUSR1), 0);
    expect(read_answer(fd), 200, "hi");
    close(fd);
    await_at_most(&host, "deployments", 1);
    assert_int_equal(status_number(&host, "workers_lost"), 0);
    assert_int_equal(kill(worker, 0), 0);
}

/* Both workers are there from the start, so that nothing but what hangs takes as long as a load may. */
static int set_up_two(void **state)
{
    (void)state;
    return set_up_with(
        (const char *[]){"--mode", "mpk", "--workers", "2", "--workers-most", "3", "--load-timeout", "2s", NULL});
}

/* A caller in the second worker, since the first has no key left, and its callee in the first. */
static void deploy_apart(const char *callee)
{
    char name[24];
    deploy(&host, "callee", callee);
    for (int i = 0; i < KEYS - 1; i++) {
        snprintf(name, sizeof name, "f%d", i);
        deploy(&host, name, "echo");
    }
    deploy(&host, "caller", "call callee");
}

static void call_until_said(const char *text)
{
    for (int ms = 0; ms < HOST_WAIT_MS && !was_said(text); ms++, usleep(1000)) {
        struct answer answer = invoke(&host, "caller", "hi");
        answer_fini(&answer);
    }
    assert_true(was_said(text));
}

static void serves_where_it_was(void)
{
    eventually(&host, "callee", "hi", "hi");
    struct answer answer = admin(&host, "GET", "/v1/functions/callee", "");
    assert_non_null(strstr(answer.body, "\"workers\":[1]"));
    expect(answer, 200, NULL);
}

static void waits_longer_after_each_move_that_is_refused(void **state)
{
    (void)state;
    deploy_apart("refuse-reloading");
    call_until_said("cannot be moved to another worker, and stays; tried again in 2000 ms");
    call_until_said("tried again in 4000 ms");
    serves_where_it_was();
}

static void a_move_that_does_not_end_is_given_up(void **state)
{
    (void)state;
    deploy_apart("sleep-reloading");
    call_until_said("cannot be moved to another worker, and stays; tried again in 2000 ms");
    assert_int_equal(count_said("it did not finish loading a function in time"), 1);
    serves_where_it_was();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gives_up_a_worker_that_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_up_a_worker_that_is_stopped_and_has_something_to_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sends_again_what_a_lost_worker_had_not_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sends_again_what_a_lost_worker_had_not_begun, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(sends_again_a_large_input, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_send_again_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_send_again_what_had_begun, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sends_again_what_a_stopped_worker_was_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delivers_what_a_worker_answered_before_it_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(delivers_what_a_worker_answered_before_it_ended, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(many_removals_do_not_cost_a_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starts_at_once_what_somebody_kills, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blames_the_function_that_ends_its_workers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blames_the_function_that_ends_its_workers, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(blames_one_function_for_all_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blames_one_function_for_all_threads, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_a_worker_that_ends_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_a_worker_that_ends_by_itself, set_up_threads, tear_down),
        cmocka_unit_test_setup_teardown(does_not_wait_for_what_ends_workers_when_it_is_loaded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_not_blame_a_function_for_a_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_longer_after_each_move_that_is_refused, set_up_two, tear_down),
        cmocka_unit_test_setup_teardown(a_move_that_does_not_end_is_given_up, set_up_two, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
