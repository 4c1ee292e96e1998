/*
 * A worker may write anything into its rings and say anything on its socket: it is killed and replaced, what it had is
 * answered 502, and the other worker's invocations notice nothing.
 */
#include "engine/test/host/host.h"
#include <dirent.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define RING 16

static struct host host;

static int set_up(void **state)
{
    (void)state;
    static const char *const flags[] = {"--mode", "process", "--ring", "16", NULL};
    host_start(&host, flags);
    deploy(&host, "echo", "echo");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

struct neighbour {
    pthread_t thread;
    bool stop; /* after the call that is under way: there is always at least one */
    unsigned errors;
};

static void *call_neighbour(void *arg)
{
    struct neighbour *neighbour = arg;
    int fd = host_connect(&host);
    do {
        struct answer answer = exchange(fd, "POST", "/function/echo", "neighbour", 9);
        neighbour->errors += answer.status != 200 || strcmp(answer.body, "neighbour");
        answer_fini(&answer);
    } while (!__atomic_load_n(&neighbour->stop, __ATOMIC_RELAXED));
    close(fd);
    return NULL;
}

/* The worker must be replaced; its neighbour, which is called all the time, must not err. */
static void attack(const char *behaviour)
{
    struct neighbour neighbour = {0};
    long lost = status_number(&host, "workers_lost");
    deploy(&host, "evil", behaviour);
    assert_int_equal(pthread_create(&neighbour.thread, NULL, call_neighbour, &neighbour), 0);
    int fd = host_connect(&host);
    struct answer answer = exchange(fd, "POST", "/function/evil", "boo", 3);
    /* A worker may answer correctly before it breaks the rules. */
    if (answer.status != 200 && (answer.status != 502 || !strstr(answer.body, "worker_lost")))
        fail_msg("%s: %d %s", behaviour, answer.status, answer.body);
    answer_fini(&answer);
    close(fd);
    /* Some take effect only when the engine's ring to the worker has wrapped around. */
    for (int i = 0; i < 3 * RING && status_number(&host, "workers_lost") == lost; i++) {
        answer = invoke(&host, "evil", "again");
        answer_fini(&answer);
    }
    await_at_least(&host, "workers_lost", lost + 1);
    __atomic_store_n(&neighbour.stop, true, __ATOMIC_RELAXED);
    pthread_join(neighbour.thread, NULL);
    assert_int_equal(neighbour.errors, 0);
    deploy(&host, "evil", "echo");
    eventually(&host, "evil", "good", "good");
}

static void survives_every_kind_of_nonsense(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "bad-id",        "old-id",     "twice",           "bad-offset", "bad-length",  "bad-kind",
        "engines-kind",  "bad-status", "bad-answer",      "bad-name",   "bad-call",    "bad-depth",
        "release-input", "bad-tail",   "release-nothing", "bad-head",   "hello-again", "no-such-deployment",
        "bad-message",   "bad-inline",
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char behaviour[64];
        snprintf(behaviour, sizeof behaviour, "hostile %s", kinds[i]);
        attack(behaviour);
    }
    assert_true(status_number(&host, "protocol_errors") > 0);
}

/* Ids are easily guessed, so knowing one must be of no use. On a host of its own, where it is known what they are. */
static void ids_of_others_and_old_ids_are_of_no_use(void **state)
{
    (void)state;
    struct host fresh;
    static const char *const flags[] = {"--mode", "process", NULL};
    host_start(&fresh, flags);
    deploy(&fresh, "victim", "slow 2000");
    deploy(&fresh, "thief", "hostile neighbours-id");
    int fd = host_connect(&fresh);
    send_text(fd, "POST /function/victim HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nmine");
    await_at_least(&fresh, "in_flight", 1);
    expect_error(invoke(&fresh, "thief", ""), 502, "worker_lost");
    expect(read_answer(fd), 200, "mine");

    deploy(&fresh, "replay", "hostile replay");
    int lost = 0;
    for (int i = 0; i < 2000 && !lost; i++) {
        struct answer answer = exchange(fd, "POST", "/function/replay", "", 0);
        lost = answer.status == 502;
        answer_fini(&answer);
    }
    assert_true(lost);
    close(fd);
    host_stop(&fresh);
}

static void replaces_a_worker_that_ends(void **state)
{
    (void)state;
    attack("exit");
}

/* The function's own worker dies, so the caller's worker gets a failure and goes on. */
static void answers_a_nested_call_whose_worker_ends(void **state)
{
    (void)state;
    deploy(&host, "mortal", "exit");
    deploy(&host, "caller", "call mortal");
    struct answer answer = invoke_as_owner(&host, "caller", "x");
    assert_non_null(strstr(answer.body, "worker_lost"));
    expect_error(answer, 500, "function_failed");
    deploy(&host, "mortal", "echo");
    eventually(&host, "caller", "again", "again");
}

static void drops_nested_calls_of_a_worker_that_ends(void **state)
{
    (void)state;
    deploy(&host, "callee", "slow 2000");
    deploy(&host, "caller", "call callee");
    int fd = host_connect(&host);
    send_text(fd, "POST /function/caller HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    await_at_least(&host, "in_flight", 2);
    long lost = status_number(&host, "workers_lost");
    deploy(&host, "caller2", "hostile bad-id");
    struct answer answer = invoke(&host, "caller2", "");
    expect_error(answer, 502, "worker_lost");
    await_at_least(&host, "workers_lost", lost + 1); /* the thread that answers is not the one that counts */
    expect(read_answer(fd), 200, "x");
    close(fd);
}

static void limits_the_depth_of_calls(void **state)
{
    (void)state;
    expect(admin(&host, "PUT", "/v1/functions/loop?slots=64", "call loop"), 200, NULL);
    struct answer answer = invoke(&host, "loop", "x");
    expect_error(answer, 500, "function_failed");
    expect(invoke(&host, "echo", "fine"), 200, "fine");
}

static void calls_of_unknown_functions_fail(void **state)
{
    (void)state;
    deploy(&host, "lost", "call nobody");
    struct answer answer = invoke_as_owner(&host, "lost", "x");
    assert_non_null(strstr(answer.body, "function_not_found"));
    expect_error(answer, 500, "function_failed");
}

/* A worker that makes its doorbell blocking, fills it and asks to be rung: the engine must not wait for it. */
static void rings_no_bell_that_is_stuck(void **state)
{
    (void)state;
    struct answer answer = admin(&host, "PUT", "/v1/functions/bell?timeout=100ms", "hostile stuck-bell");
    expect(answer, 200, NULL);
    expect(invoke(&host, "bell", ""), 200, "");
    int fd = host_connect(&host);
    send_text(fd, "POST /function/bell HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    expect(invoke(&host, "echo", "not stuck"), 200, "not stuck");
    expect_error(read_answer(fd), 504, "function_timeout");
    close(fd);
}

/* A worker that never answers is stuck: 504 after timeout and slack, and a new worker. */
static void kills_a_worker_that_is_stuck(void **state)
{
    (void)state;
    struct answer answer = admin(&host, "PUT", "/v1/functions/stuck?timeout=100ms", "hang");
    expect(answer, 200, NULL);
    long lost = status_number(&host, "workers_lost");
    answer = invoke(&host, "stuck", "x");
    expect_error(answer, 504, "function_timeout");
    await_at_least(&host, "workers_lost", lost + 1);
    assert_int_equal(status_number(&host, "workers_lost"), lost + 1);
}

static unsigned kept_snapshots(const struct host *of)
{
    char path[96];
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/snapshots", of->state);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *next; (next = readdir(dir));)
        n += next->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void await_kept(const struct host *of, unsigned n)
{
    for (int waited = 0; kept_snapshots(of) != n && waited < HOST_WAIT_MS; waited += 10)
        usleep(10000);
    assert_int_equal(kept_snapshots(of), n);
}

static void sends_snapshots(const struct host *to, const char *name, const char *steps, long lost)
{
    char behaviour[64];
    snprintf(behaviour, sizeof behaviour, "snapshots %s", steps);
    deploy(to, name, behaviour);
    struct answer answer = invoke(to, name, "");
    answer_fini(&answer);
    await_at_least(to, "workers_lost", lost);
}

/* To keep one takes the engine a thread, descriptors and disk. */
static void takes_one_snapshot_for_each_load(void **state)
{
    (void)state;
    struct host fresh;
    static const char *const flags[] = {"--mode", "process", "--snapshot", "auto", NULL};
    host_start(&fresh, flags);
    sends_snapshots(&fresh, "honest", "s", 0);
    await_kept(&fresh, 1);
    assert_int_equal(status_number(&fresh, "workers_lost"), 0);
    sends_snapshots(&fresh, "twice", "ss", 1);
    await_kept(&fresh, 2);
    sends_snapshots(&fresh, "big", "bs", 2);
    sends_snapshots(&fresh, "none", "d", 3);
    sends_snapshots(&fresh, "again", "sds", 4);
    await_kept(&fresh, 2);
    struct answer answer = invoke(&fresh, "honest", ""); /* its worker has sent one, or was handed it */
    answer_fini(&answer);
    await_at_least(&fresh, "workers_lost", 5);
    host_stop(&fresh);
}

/* And none where snapshots are switched off. */
static void takes_no_snapshot_that_nobody_wants(void **state)
{
    (void)state;
    struct host without;
    static const char *const flags[] = {"--mode", "process", "--snapshot", "off", NULL};
    host_start(&without, flags);
    sends_snapshots(&without, "evil", "s", 1);
    sends_snapshots(&without, "evil", "d", 2);
    deploy(&without, "evil", "echo");
    host_stop(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_every_kind_of_nonsense),
        cmocka_unit_test(ids_of_others_and_old_ids_are_of_no_use),
        cmocka_unit_test(replaces_a_worker_that_ends),
        cmocka_unit_test(answers_a_nested_call_whose_worker_ends),
        cmocka_unit_test(drops_nested_calls_of_a_worker_that_ends),
        cmocka_unit_test(limits_the_depth_of_calls),
        cmocka_unit_test(calls_of_unknown_functions_fail),
        cmocka_unit_test(rings_no_bell_that_is_stuck),
        cmocka_unit_test(kills_a_worker_that_is_stuck),
        cmocka_unit_test(takes_one_snapshot_for_each_load),
        cmocka_unit_test(takes_no_snapshot_that_nobody_wants),
    };
    return cmocka_run_group_tests_name("engine hostile worker", tests, set_up, tear_down);
}
