/* Deploying, replacing and removing functions, and what of it survives which process. */
#include "engine/test/host/host.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static const char *const process_flags[] = {"--mode", "process", NULL};
static struct host host;

static int set_up(void **state)
{
    host_start(&host, *state);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static void deploys_with_a_manifest(void **state)
{
    (void)state;
    struct answer answer =
        admin(&host, "PUT", "/v1/functions/env?slots=3&timeout=250ms&memory=64M&env=A%3Db%20c&env=B=", "env");
    static const char *const parts[] = {"\"name\":\"env\"",       "\"slots\":3",          "\"timeout\":\"250ms\"",
                                        "\"memory\":\"64M\"",     "\"A\":\"***\"",        "\"version\":\"",
                                        "\"sha256\":\"e3b98a4da", "\"state\":\"serving\""};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (i != 6 && !strstr(answer.body, parts[i]))
            fail_msg("%s not in %s", parts[i], answer.body);
    expect(answer, 200, NULL);
    answer = invoke(&host, "env", "");
    assert_int_equal(answer.length, sizeof "A=b c\0B=");
    assert_memory_equal(answer.body, "A=b c\0B=", sizeof "A=b c\0B=");
    answer_fini(&answer);
    expect(admin(&host, "GET", "/v1/functions/env", ""), 200, NULL);
    expect_error(admin(&host, "GET", "/v1/functions/other", ""), 404, "function_not_found");
    expect(admin(&host, "POST", "/v1/invoke/env", ""), 200, NULL);
}

/* What a kill left of a function that was removed is not its heir's. */
static void begins_with_an_empty_log(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/logs/heir", host.state);
    FILE *left = fopen(path, "w");
    assert_non_null(left);
    fprintf(left, "nightward log %020d\n{\"time\":\"2026-01-01T00:00:00.000000Z\",\"text\":\"left\"}\n", 0);
    assert_int_equal(fclose(left), 0);
    deploy(&host, "heir", "echo");
    struct answer answer = admin(&host, "GET", "/v1/logs/heir", "");
    assert_null(strstr(answer.body, "left"));
    expect(answer, 200, NULL);
    expect(admin(&host, "DELETE", "/v1/functions/heir", ""), 200, NULL);
}

static void expect_parts(struct answer answer, const char *const *parts)
{
    for (; *parts; parts++)
        if (!strstr(answer.body, *parts))
            fail_msg("%s not in %s", *parts, answer.body);
    expect(answer, 200, NULL);
}

/* What a deployment does not name stays, also across a restart; a refused version changes nothing of it. */
static void keeps_settings_that_are_not_named(void **state)
{
    (void)state;
    deploy(&host, "kept-settings?slots=3&timeout=250ms&env=A%3D1&env=B%3D2", "env");
    expect_error(admin(&host, "PUT", "/v1/functions/kept-settings?slots=9", "refuse it"), 422, "deployment_refused");
    host_restart(&host);
    static const char *const kept[] = {"\"slots\":3", "\"changed\":{\"timeout\":\"250ms\"}",
                                       "\"kept\":[\"slots\",\"env\"]", NULL};
    expect_parts(admin(&host, "PUT", "/v1/functions/kept-settings?timeout=1s", "env"), kept);
    static const char *const reset[] = {"\"slots\":8", "\"A\":\"***\"", "\"changed\":{\"slots\":3}",
                                        "\"kept\":[\"timeout\",\"env\"]", NULL};
    expect_parts(admin(&host, "PUT", "/v1/functions/kept-settings?reset=slots", "env"), reset);
    static const char *const all[] = {"\"timeout\":\"10s\"", "\"env\":{\"C\":\"***\"}", "\"kept\":[]", NULL};
    expect_parts(admin(&host, "PUT", "/v1/functions/kept-settings?reset=all&env=C%3D3", "env"), all);
    struct answer answer = invoke(&host, "kept-settings", "");
    assert_int_equal(answer.length, sizeof "C=3");
    answer_fini(&answer);
    expect_error(admin(&host, "PUT", "/v1/functions/kept-settings?reset=colour", "env"), 400, "bad_request");
    expect(admin(&host, "DELETE", "/v1/functions/kept-settings", ""), 200, NULL);
}

static void refuses_bad_requests(void **state)
{
    (void)state;
    expect_error(admin(&host, "PUT", "/v1/functions/x?slots=0", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/x?colour=red", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/x?env=%00", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/x?name=y", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/..", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/a/b", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/x", ""), 400, "bad_request");
    expect_error(admin(&host, "POST", "/v1/functions/x", "echo"), 405, "method_not_allowed");
    expect_error(admin(&host, "DELETE", "/v1/functions/x", ""), 404, "function_not_found");
    expect_error(admin(&host, "GET", "/v2", ""), 404, "no_route");
    expect_error(invoke(&host, "x", ""), 404, "function_not_found");
}

static void keeps_the_old_version_when_the_new_is_refused(void **state)
{
    (void)state;
    deploy(&host, "f", "say one");
    struct answer answer = admin(&host, "PUT", "/v1/functions/f", "refuse because it is Tuesday");
    assert_non_null(strstr(answer.body, "because it is Tuesday"));
    assert_non_null(strstr(answer.body, "still serves"));
    expect_error(answer, 422, "deployment_refused");
    expect(invoke(&host, "f", ""), 200, "one");
    deploy(&host, "f", "say two");
    expect(invoke(&host, "f", ""), 200, "two");
    expect_error(admin(&host, "PUT", "/v1/functions/never", "refuse it"), 422, "deployment_refused");
    expect_error(invoke(&host, "never", ""), 404, "function_not_found");
}

/* A version that takes the worker with it twice is refused; what serves comes back. */
static void refuses_what_kills_the_worker(void **state)
{
    (void)state;
    deploy(&host, "f", "say fine");
    expect_error(admin(&host, "PUT", "/v1/functions/deadly", "die"), 422, "deployment_refused");
    eventually(&host, "f", "", "fine");
}

static void removes(void **state)
{
    (void)state;
    deploy(&host, "gone", "slow 2000");
    int fd = host_connect(&host);
    send_text(fd, "POST /function/gone HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nlast");
    await_at_least(&host, "in_flight", 1);
    expect(admin(&host, "DELETE", "/v1/functions/gone", ""), 200, "{}\n");
    expect_error(invoke(&host, "gone", ""), 404, "function_not_found");
    expect(read_answer(fd), 200, "last");
    close(fd);
    expect_error(admin(&host, "DELETE", "/v1/functions/gone", ""), 404, "function_not_found");
}

struct caller {
    pthread_t thread;
    bool stop;
    unsigned calls, errors, mixed_up;
};

/* Each response carries a token that must match its request. */
static void *keep_calling(void *arg)
{
    struct caller *caller = arg;
    int fd = host_connect(&host);
    while (!__atomic_load_n(&caller->stop, __ATOMIC_RELAXED)) {
        char token[64];
        snprintf(token, sizeof token, "%p %u", arg, caller->calls++);
        struct answer answer = exchange(fd, "POST", "/function/live", token, strlen(token));
        caller->errors += answer.status != 200;
        caller->mixed_up += answer.status == 200 && strcmp(answer.body, token);
        answer_fini(&answer);
    }
    close(fd);
    return NULL;
}

static void loses_nothing_when_redeploying_under_load(void **state)
{
    (void)state;
    struct caller callers[4] = {0};
    deploy(&host, "live", "echo");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, keep_calling, &callers[i]), 0);
    for (int i = 0; i < 20; i++)
        deploy(&host, "live", i % 2 ? "echo" : "slow 1");
    for (int i = 0; i < 4; i++) {
        __atomic_store_n(&callers[i].stop, true, __ATOMIC_RELAXED);
        pthread_join(callers[i].thread, NULL);
        assert_true(callers[i].calls > 0);
        assert_int_equal(callers[i].errors, 0);
        assert_int_equal(callers[i].mixed_up, 0);
    }
}

static void *deploy_one(void *arg)
{
    struct answer answer = admin(&host, "PUT", "/v1/functions/queued", arg);
    long status = answer.status;
    answer_fini(&answer);
    return (void *)status;
}

static void queues_operations_of_a_function(void **state)
{
    (void)state;
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, deploy_one, i % 2 ? "say a" : "refuse b"), 0);
    for (int i = 0; i < 8; i++) {
        void *status;
        pthread_join(threads[i], &status);
        assert_int_equal((long)status, i % 2 ? 200 : 422);
    }
    expect(invoke(&host, "queued", ""), 200, "a");
    expect(admin(&host, "DELETE", "/v1/functions/queued", ""), 200, NULL);
}

static void survives_a_kill_of_the_engine(void **state)
{
    (void)state;
    deploy(&host, "kept", "say kept");
    deploy(&host, "changed", "say before");
    deploy(&host, "changed", "say after");
    deploy(&host, "removed", "say no");
    expect(admin(&host, "DELETE", "/v1/functions/removed", ""), 200, NULL);
    host_restart(&host);
    expect(invoke(&host, "kept", ""), 200, "kept");
    expect(invoke(&host, "changed", ""), 200, "after");
    expect_error(invoke(&host, "removed", ""), 404, "function_not_found");
}

/* What a persisted function was granted is gone: READY all the same, and a clear 503. */
static void is_ready_with_a_function_that_fails(void **state)
{
    (void)state;
    char granted[] = "/tmp/nw-granted-XXXXXX", name[128];
    assert_non_null(mkdtemp(granted));
    snprintf(name, sizeof name, "rotten?profile=files&directories=%s:ro", granted);
    deploy(&host, "good", "say good");
    deploy(&host, name, "say rotten");
    assert_int_equal(rmdir(granted), 0);
    host_restart(&host);
    expect(invoke(&host, "good", ""), 200, "good");
    struct answer answer = invoke(&host, "rotten", "");
    assert_null(strstr(answer.body, granted));
    expect_error(answer, 503, "unavailable");
    answer = admin(&host, "GET", "/v1/functions/rotten", "");
    assert_non_null(strstr(answer.body, "\"state\":\"failed\""));
    assert_non_null(strstr(answer.body, granted));
    expect(answer, 200, NULL);
    expect(admin(&host, "DELETE", "/v1/functions/rotten", ""), 200, NULL);
    deploy(&host, "rotten", "say fresh");
    expect(invoke(&host, "rotten", ""), 200, "fresh");
}

/* Invocations that wait while their worker is lost are served by the next worker. */
static void survives_a_kill_of_the_launcher(void **state)
{
    (void)state;
    deploy(&host, "patient", "echo");
    host_kill_launcher(&host);
    int fd = host_connect(&host);
    send_text(fd, "POST /function/patient HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nwait");
    host_start_launcher(&host);
    struct answer answer = read_answer(fd);
    if (answer.status == 502) { /* it was sent to the worker that was just dying */
        answer_fini(&answer);
        answer = exchange(fd, "POST", "/function/patient", "wait", 4);
    }
    expect(answer, 200, "wait");
    close(fd);
}

static void finishes_what_runs_when_told_to_stop(void **state)
{
    (void)state;
    struct host drained;
    host_start(&drained, NULL);
    deploy(&drained, "slow", "slow 3000");
    int fd = host_connect(&drained), idle = host_connect(&drained);
    send_text(fd, "POST /function/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nslow");
    await_at_least(&drained, "in_flight", 1);
    host_stop(&drained);
    struct answer answer = read_answer(fd);
    assert_string_equal(header_of(&answer, "Connection"), "close");
    expect(answer, 200, "slow");
    assert_true(is_closed(idle));
    close(fd);
    close(idle);
}

/* While an invocation runs, a new connection is told that the engine is stopping, and the engine stops nevertheless. */
static void says_that_it_is_told_to_stop(void **state)
{
    (void)state;
    struct host drained;
    host_start(&drained, (const char *[]){"--drain-timeout", "1m", NULL});
    deploy(&drained, "slow", "slow 60000");
    int fd = host_connect(&drained);
    send_text(fd, "POST /function/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nslow");
    await_at_least(&drained, "in_flight", 1);
    kill(drained.engine, SIGTERM);
    host_await_unready(&drained);
    struct answer answer = invoke(&drained, "slow", "x");
    assert_string_equal(header_of(&answer, "Connection"), "close");
    expect_error(answer, 503, "draining");
    answer = admin(&drained, "GET", "/v1/status", "");
    assert_non_null(strstr(answer.body, "\"ready\":false"));
    expect(answer, 200, NULL);
    int idle = host_connect(&drained), idle_admin = host_connect_admin(&drained);
    close(fd); /* the client of the running invocation is gone */
    host_await_end(&drained);
    assert_true(is_closed(idle));
    host_discard(&drained);
    close(idle);
    close(idle_admin);
}

/* A body that is arriving when its worker is lost goes to the next one; so does one that waits. */
static void moves_what_was_not_sent_to_the_next_worker(void **state)
{
    (void)state;
    struct host single;
    host_start(&single, NULL);
    deploy(&single, "echo", "echo");
    deploy(&single, "exit", "exit");
    for (int chunked = 0; chunked < 2; chunked++) {
        int fd = host_connect(&single);
        send_text(fd, chunked
                          ? "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
                          : "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf");
        expect(invoke(&single, "echo", "the half is there"), 200, NULL);
        expect_error(invoke(&single, "exit", ""), 502, "worker_lost");
        send_text(fd, chunked ? "4\r\nrest\r\n0\r\n\r\n" : "rest");
        expect(read_answer(fd), 200, "halfrest");
        close(fd);
    }
    host_stop(&single);
}

static void answers_503_when_no_worker_comes(void **state)
{
    (void)state;
    struct host alone;
    static const char *const flags[] = {"--queue-timeout", "200ms", NULL};
    host_start(&alone, flags);
    deploy(&alone, "echo", "echo");
    host_kill_launcher(&alone);
    await_at_least(&alone, "workers_lost", 1);
    expect_error(invoke(&alone, "echo", "x"), 503, "unavailable");
    expect_error(invoke(&alone, "echo", ""), 503, "unavailable");
    expect_error(invoke(&alone, "none", ""), 404, "function_not_found");
    int fd = host_connect(&alone);
    expect_error(exchange(fd, "GET", "/readyz", "", 0), 503, "unavailable");
    close(fd);
    host_start_launcher(&alone);
    eventually(&alone, "echo", "back", "back");
    host_stop(&alone);
}

/* A function that never finishes loading is refused, and does not keep the others away. */
static void refuses_what_does_not_finish_loading(void **state)
{
    (void)state;
    struct host waiting;
    static const char *const flags[] = {"--load-timeout", "300ms", NULL};
    host_start(&waiting, flags);
    deploy(&waiting, "echo", "echo");
    expect_error(admin(&waiting, "PUT", "/v1/functions/sleepy", "sleep-loading"), 503, "unavailable");
    eventually(&waiting, "echo", "on", "on");
    deploy(&waiting, "sleepy", "say awake");
    eventually(&waiting, "sleepy", "", "awake");
    host_stop(&waiting);
}

/* A function may never end when it is told to. Then its worker is started again, which ends it. */
static void gives_up_a_worker_that_does_not_end_a_function(void **state)
{
    (void)state;
    struct host waiting;
    static const char *const flags[] = {"--load-timeout", "300ms", NULL};
    host_start(&waiting, flags);
    deploy(&waiting, "endless?timeout=100ms", "never-ends");
    deploy(&waiting, "echo", "echo");
    expect(admin(&waiting, "DELETE", "/v1/functions/endless", ""), 200, NULL);
    await_at_least(&waiting, "workers_lost", 1);
    eventually(&waiting, "echo", "on", "on");
    host_stop(&waiting);
}

/* Functions that are slow to load delay nobody else: the neighbour, although deployed last, is back at once. */
static void loads_side_by_side_after_a_loss(void **state)
{
    (void)state;
    struct host alone;
    char name[16];
    host_start(&alone, NULL);
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "slow%d", i);
        deploy(&alone, name, "sleep-reloading");
    }
    deploy(&alone, "exit", "exit");
    deploy(&alone, "neighbour", "echo");
    expect_error(invoke(&alone, "exit", ""), 502, "worker_lost");
    expect(invoke(&alone, "neighbour", "back"), 200, "back");
    host_discard(&alone);
}

/* Which of those that were loaded together took the worker with it is found out; the others come back. */
static void finds_out_what_ends_the_worker_when_it_is_loaded(void **state)
{
    (void)state;
    struct host alone;
    host_start(&alone, NULL);
    deploy(&alone, "one", "say one");
    deploy(&alone, "deadly", "die-reloading");
    deploy(&alone, "two", "say two");
    deploy(&alone, "exit", "exit");
    expect_error(invoke(&alone, "exit", ""), 502, "worker_lost");
    eventually(&alone, "one", "", "one");
    eventually(&alone, "two", "", "two");
    expect_error(invoke(&alone, "deadly", ""), 503, "unavailable");
    expect(invoke(&alone, "one", ""), 200, "one");
    host_stop(&alone);
}

/* In the middle of everything: an invocation that runs, a body that arrives, a deployment that is loaded. */
static void ends_at_once_when_told_twice(void **state)
{
    (void)state;
    struct host host_told;
    host_start(&host_told, NULL);
    deploy(&host_told, "slow", "slow 60000");
    int running = host_connect(&host_told), arriving = host_connect(&host_told);
    int loading = host_connect_admin(&host_told);
    send_text(running, "POST /function/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    send_text(arriving, "POST /function/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
    send_text(loading, "PUT /v1/functions/sleepy HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\nsleep-loading");
    await_at_least(&host_told, "in_flight", 1);
    kill(host_told.engine, SIGTERM);
    host_await_unready(&host_told);
    host_stop(&host_told);
    assert_true(is_closed(running));
    close(running);
    close(arriving);
    close(loading);
}

/* Who waits for lines that do not come is answered at once, and holds up nobody. */
static void waits_for_no_lines_when_told_to_stop(void **state)
{
    static const char *const patient[] = {"--drain-timeout", "1h", NULL};
    struct host host_told;
    (void)state;
    host_start(&host_told, patient);
    deploy(&host_told, "silent", "echo");
    int fd = host_connect_admin(&host_told);
    send_text(fd, "GET /v1/logs/silent?wait=25000 HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(admin(&host_told, "GET", "/v1/logs/silent", ""), 200, NULL);
    kill(host_told.engine, SIGTERM);
    expect(read_answer(fd), 200, NULL);
    close(fd);
    host_stop(&host_told);
}

static int files_in_store(const struct host *of)
{
    char path[128];
    int n = 0;
    snprintf(path, sizeof path, "%s/store", of->state);
    DIR *dir = opendir(path);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* Of what was replaced or removed and is not kept nothing is left: no domain, no process, no code. */
static void leaves_nothing_of_old_versions(const char *const *flags)
{
    struct host tidy;
    host_start(&tidy, flags);
    deploy(&tidy, "f", "say one");
    deploy(&tidy, "f", "say two");
    deploy(&tidy, "f", "say three");
    expect_error(admin(&tidy, "PUT", "/v1/functions/f", "refuse four"), 422, "deployment_refused");
    deploy(&tidy, "g", "say g");
    expect(admin(&tidy, "DELETE", "/v1/functions/g", ""), 200, NULL);
    await_at_most(&tidy, "deployments", 1);
    assert_int_equal(status_number(&tidy, "deployments"), 1);
    for (int i = 0; i < HOST_WAIT_MS && files_in_store(&tidy) > 1; i++)
        usleep(1000);
    assert_int_equal(files_in_store(&tidy), 1);
    expect(invoke(&tidy, "f", ""), 200, "three");
    host_stop(&tidy);
}

static void retires_old_versions(void **state)
{
    (void)state;
    static const char *const one[] = {"--keep", "1", NULL};
    static const char *const one_process[] = {"--keep", "1", "--mode", "process", NULL};
    leaves_nothing_of_old_versions(one);
    leaves_nothing_of_old_versions(one_process);
}

#define BAD "/v1/functions/bad?profile=files&directories=/nonexistent:ro"

static void ask_to_deploy(int fd, const char *path)
{
    char text[256];
    snprintf(text, sizeof text, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nsay hi", path);
    send_text(fd, text);
}

/* The worker is up, so the refusal comes while the operation still makes the deployment: the operation is freed by a
 * function that it called. */
static void outlives_what_cannot_even_begin_to_load(void **state)
{
    (void)state;
    deploy(&host, "good?profile=files&directories=/tmp:ro", "echo");
    for (int i = 0; i < 3; i++) {
        expect_error(admin(&host, "PUT", BAD, "echo"), 422, "deployment_refused");
        expect_error(invoke(&host, "bad", ""), 404, "function_not_found");
    }
    int fd = host_connect_admin(&host);
    ask_to_deploy(fd, BAD);
    ask_to_deploy(fd, BAD);
    ask_to_deploy(fd, "/v1/functions/bad?profile=files");
    expect_error(read_answer(fd), 422, "deployment_refused");
    expect_error(read_answer(fd), 422, "deployment_refused");
    expect(read_answer(fd), 200, NULL);
    close(fd);
    expect(invoke(&host, "bad", ""), 200, "hi");
    expect(invoke(&host, "good", "still"), 200, "still");
}

static const struct CMUnitTest alone_tests[] = {
    cmocka_unit_test(retires_old_versions),
    cmocka_unit_test(moves_what_was_not_sent_to_the_next_worker),
    cmocka_unit_test(answers_503_when_no_worker_comes),
    cmocka_unit_test(refuses_what_does_not_finish_loading),
    cmocka_unit_test(gives_up_a_worker_that_does_not_end_a_function),
    cmocka_unit_test(loads_side_by_side_after_a_loss),
    cmocka_unit_test(finds_out_what_ends_the_worker_when_it_is_loaded),
    cmocka_unit_test(finishes_what_runs_when_told_to_stop),
    cmocka_unit_test(says_that_it_is_told_to_stop),
    cmocka_unit_test(waits_for_no_lines_when_told_to_stop),
    cmocka_unit_test(ends_at_once_when_told_twice),
};

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(deploys_with_a_manifest),
    cmocka_unit_test(begins_with_an_empty_log),
    cmocka_unit_test(keeps_settings_that_are_not_named),
    cmocka_unit_test(refuses_bad_requests),
    cmocka_unit_test(keeps_the_old_version_when_the_new_is_refused),
    cmocka_unit_test(refuses_what_kills_the_worker),
    cmocka_unit_test(removes),
    cmocka_unit_test(loses_nothing_when_redeploying_under_load),
    cmocka_unit_test(queues_operations_of_a_function),
    cmocka_unit_test(outlives_what_cannot_even_begin_to_load),
    cmocka_unit_test(survives_a_kill_of_the_engine),
    cmocka_unit_test(is_ready_with_a_function_that_fails),
    cmocka_unit_test(survives_a_kill_of_the_launcher),
};

static const char *const shared_flags[] = {"--workers", "2", NULL};

static int set_up_shared(void **state)
{
    *state = (void *)shared_flags;
    return set_up(state);
}

static int set_up_process(void **state)
{
    *state = (void *)process_flags;
    return set_up(state);
}

int main(void)
{
    int failed = cmocka_run_group_tests_name("engine deployments, shared workers", tests, set_up_shared, tear_down);
    failed += cmocka_run_group_tests_name("engine deployments, hosts of their own", alone_tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("engine deployments, a process each", tests, set_up_process, tear_down);
}
