/* Versions of a function: which are kept, how they are told, and what a redeploy says of them. */
#include "engine/test/host/host.h"
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static struct host host;

static int set_up(void **state)
{
    static const char *const flags[] = {"--keep", "3", NULL};
    (void)state;
    host_start(&host, flags);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

/* The parts, in their order, in an answer with 200. */
static void expect_parts(struct answer answer, const char *const *parts)
{
    const char *at = answer.body;
    for (; *parts; parts++) {
        const char *found = strstr(at, *parts);
        if (!found)
            fail_msg("%s not in %s", *parts, at);
        at = found + strlen(*parts);
    }
    expect(answer, 200, NULL);
}

#define EXPECT_PARTS(answer, ...) expect_parts(answer, (const char *const[]){__VA_ARGS__, NULL})

static void expect_none(const struct answer *answer, const char *part)
{
    if (strstr(answer->body, part))
        fail_msg("%s in %s", part, answer->body);
}

static void keeps_versions(void **state)
{
    (void)state;
    for (int i = 1; i <= 4; i++) {
        char code[32], number[32];
        snprintf(code, sizeof code, "say version %d", i);
        snprintf(number, sizeof number, "\"number\":\"v%d\"", i);
        EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/f?env=SECRET%3Dhidden", code), number);
    }
    host_restart(&host);
    expect(invoke(&host, "f", ""), 200, "version 4");
    struct answer answer = admin(&host, "GET", "/v1/functions/f/versions", "");
    expect_none(&answer, "\"v1\"");
    expect_none(&answer, "hidden");
    EXPECT_PARTS(answer, "\"name\":\"f\"", "\"keep\":3", "\"number\":\"v4\"", "\"serves\":true",
                 "\"code_changed\":true", "\"number\":\"v3\"", "\"serves\":false", "\"number\":\"v2\"",
                 "\"deployed\":\"20");
    expect(admin(&host, "DELETE", "/v1/functions/f", ""), 200, NULL);
    expect_error(admin(&host, "GET", "/v1/functions/f/versions", ""), 404, "function_not_found");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/f", "say version 1"), "\"number\":\"v1\"");
    expect_error(admin(&host, "PUT", "/v1/functions/f/versions", "say"), 405, "method_not_allowed");
    expect_error(admin(&host, "GET", "/v1/functions/x/versions/", ""), 400, "bad_request");
}

static void says_what_changed(void **state)
{
    (void)state;
    deploy(&host, "g?slots=3&env=A%3Dsecret1&env=B%3Dsecret2", "say one");
    struct answer answer = admin(&host, "PUT", "/v1/functions/g?slots=3", "say one");
    EXPECT_PARTS(answer, "\"number\":\"v1\"", "\"changed\":{}", "\"env_changed\":[]", "\"code_changed\":false");
    answer = admin(&host, "PUT", "/v1/functions/g?slots=4&reset=env&env=A%3Dsecret3&env=C%3Dsecret4&env=", "say one");
    expect_error(answer, 400, "bad_request");
    answer = admin(&host, "PUT", "/v1/functions/g?slots=4&reset=env&env=A%3Dsecret3&env=C%3Dsecret4", "say one");
    expect_none(&answer, "secret");
    EXPECT_PARTS(answer, "\"number\":\"v2\"",
                 "\"changed\":{\"slots\":3,\"env\":", "\"env_changed\":[\"A\",\"C\",\"B\"]", "\"code_changed\":false");
    answer = admin(&host, "PUT", "/v1/functions/g", "say two");
    EXPECT_PARTS(answer, "\"number\":\"v3\"", "\"changed\":{}", "\"code_changed\":true");
}

/* That it is not loaded anew is seen end to end, by a function that counts (func_config.bats). */
static void leaves_alone_what_is_unchanged(void **state)
{
    static const char path[] = "/v1/functions/i?unless=unchanged&reset=all&slots=3";
    (void)state;
    EXPECT_PARTS(admin(&host, "PUT", path, "echo"), "\"number\":\"v1\"");
    EXPECT_PARTS(admin(&host, "PUT", path, "echo"), "\"number\":\"v1\"", "\"changed\":{}", "\"code_changed\":false");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/i?unless=unchanged&slots=4", "echo"), "\"number\":\"v2\"");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/i?unless=unchanged", "say i"), "\"number\":\"v3\"");
    expect(invoke(&host, "i", ""), 200, "i");
    expect_error(admin(&host, "PUT", "/v1/functions/i?unless=never", "echo"), 400, "bad_request");
}

static void rolls_back(void **state)
{
    (void)state;
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback", ""), 404, "function_not_found");
    deploy(&host, "h?slots=2", "say one");
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback", ""), 400, "bad_request");
    deploy(&host, "h?slots=3", "say two");
    deploy(&host, "h", "say three");
    EXPECT_PARTS(admin(&host, "POST", "/v1/functions/h/rollback", ""), "\"slots\":3", "\"number\":\"v2\"",
                 "\"changed\":{}", "\"code_changed\":true");
    expect(invoke(&host, "h", ""), 200, "two");
    EXPECT_PARTS(admin(&host, "POST", "/v1/functions/h/rollback?to=v1", ""), "\"slots\":2",
                 "\"changed\":{\"slots\":3}");
    expect(invoke(&host, "h", ""), 200, "one");
    host_restart(&host);
    expect(invoke(&host, "h", ""), 200, "one");
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback", ""), 400, "bad_request");
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback?to=v1", ""), 400, "bad_request");
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback?to=v9", ""), 400, "bad_request");
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback?to=3", ""), 400, "bad_request");
    expect_error(admin(&host, "POST", "/v1/functions/h/rollback?at=v3", ""), 400, "bad_request");
    expect_error(admin(&host, "GET", "/v1/functions/h/rollback", ""), 405, "method_not_allowed");
    EXPECT_PARTS(admin(&host, "POST", "/v1/functions/h/rollback?to=v3", ""), "\"number\":\"v3\"");
    expect(invoke(&host, "h", ""), 200, "three");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/h", "say four"), "\"number\":\"v4\"");
}

/* Whether a version that is kept can still be loaded is known once it is: if not, what serves goes on. */
static void keeps_serving_when_it_cannot(void **state)
{
    (void)state;
    deploy(&host, "k", "refuse-reloading it");
    deploy(&host, "k", "say two");
    deploy(&host, "exits", "exit");
    expect_error(invoke(&host, "exits", ""), 502, "worker_lost");
    eventually(&host, "k", "", "two"); /* in the second worker */
    expect_error(admin(&host, "POST", "/v1/functions/k/rollback", ""), 422, "deployment_refused");
    expect(invoke(&host, "k", ""), 200, "two");
    struct answer answer = admin(&host, "GET", "/v1/functions/k/versions", "");
    EXPECT_PARTS(answer, "\"number\":\"v2\"", "\"serves\":true", "\"number\":\"v1\"", "\"serves\":false");
    expect(admin(&host, "DELETE", "/v1/functions/k", ""), 200, NULL);
    expect(admin(&host, "DELETE", "/v1/functions/exits", ""), 200, NULL);
    host_restart(&host);
}

struct caller {
    pthread_t thread;
    bool stop;
    unsigned calls, wrong;
};

static void *keep_calling(void *arg)
{
    struct caller *caller = arg;
    int fd = host_connect(&host);
    while (!__atomic_load_n(&caller->stop, __ATOMIC_RELAXED)) {
        struct answer answer = exchange(fd, "POST", "/function/turns", "", 0);
        caller->calls++;
        caller->wrong += answer.status != 200 || (strcmp(answer.body, "one") != 0 && strcmp(answer.body, "two") != 0);
        answer_fini(&answer);
    }
    close(fd);
    return NULL;
}

static void loses_no_call(void **state)
{
    (void)state;
    struct caller caller = {.stop = false};
    deploy(&host, "turns", "say one");
    deploy(&host, "turns", "say two");
    assert_int_equal(pthread_create(&caller.thread, NULL, keep_calling, &caller), 0);
    for (int i = 0; i < 20; i++) {
        const char *path = i % 2 ? "/v1/functions/turns/rollback?to=v2" : "/v1/functions/turns/rollback";
        expect(admin(&host, "POST", path, ""), 200, NULL);
        expect(invoke(&host, "turns", ""), 200, i % 2 ? "two" : "one");
    }
    __atomic_store_n(&caller.stop, true, __ATOMIC_RELAXED);
    pthread_join(caller.thread, NULL);
    assert_int_equal(caller.wrong, 0);
    assert_true(caller.calls > 0);
}

/* Calls it so often, and notes which answers are "one". */
static void call_often(const char *name, bool *ones, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct answer answer = invoke(&host, name, "");
        assert_int_equal(answer.status, 200);
        ones[i] = !strcmp(answer.body, "one");
        if (!ones[i])
            assert_string_equal(answer.body, "two");
        answer_fini(&answer);
    }
}

/* Of any 100 in a row `expected` are "one". */
static void expect_ones(const char *name, unsigned expected)
{
    bool ones[250];
    unsigned n = 0;
    call_often(name, ones, 250);
    for (unsigned i = 0; i < 250; i++) {
        n += ones[i];
        n -= i >= 100 && ones[i - 100];
        if (i >= 99)
            assert_int_equal(n, expected);
    }
}

static void deals_requests_out(void **state)
{
    (void)state;
    deploy(&host, "s", "say one");
    deploy(&host, "s", "say two");
    deploy(&host, "calls-s", "call s");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/s/traffic?v1=37%25", ""), "\"number\":\"v2\"",
                 "\"traffic\":[{\"number\":\"v1\",\"percent\":37,\"requests\":0},{\"number\":\"v2\",\"percent\":63");
    expect_ones("s", 37);
    EXPECT_PARTS(admin(&host, "GET", "/v1/functions/s", ""), "\"requests\":", "\"requests\":");
    expect_ones("calls-s", 37);
    deploy(&host, "exits", "exit");
    expect_error(invoke(&host, "exits", ""), 502, "worker_lost");
    expect_ones("s", 37);
    EXPECT_PARTS(admin(&host, "GET", "/v1/functions/s/versions", ""), "\"number\":\"v2\"", "\"percent\":63",
                 "\"number\":\"v1\"", "\"percent\":37");
    host_restart(&host);
    expect_ones("s", 37);
    expect(admin(&host, "PUT", "/v1/functions/s/traffic?v1=1&v2=99", ""), 200, NULL);
    expect_ones("s", 1);
    expect(admin(&host, "DELETE", "/v1/functions/s/traffic", ""), 200, NULL);
    expect_ones("s", 0);
    expect_error(invoke(&host, "s@v1", ""), 404, "function_not_found"); /* nobody needs it any more */
    struct answer answer = admin(&host, "GET", "/v1/functions/s", "");
    expect_none(&answer, "traffic");
    answer_fini(&answer);
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/s/traffic?v1=100", ""), "\"number\":\"v1\"");
    expect_ones("s", 100);
    expect(admin(&host, "DELETE", "/v1/functions/exits", ""), 200, NULL);
}

/* Who may call a function may call it by parts and by an alias, too; and it is one function that is called. */
static void deals_out_calls_of_those_that_may_call_it(void **state)
{
    (void)state;
    deploy(&host, "l", "say one");
    deploy(&host, "l", "say two");
    deploy(&host, "calls-l?calls=l", "call l");
    deploy(&host, "calls-old?calls=l", "call l@old");
    deploy(&host, "calls-none?calls=none", "call l");
    expect(admin(&host, "PUT", "/v1/functions/l/traffic?v1=37", ""), 200, NULL);
    expect(admin(&host, "PUT", "/v1/functions/l/aliases/old?v1=100", ""), 200, NULL);
    expect_ones("calls-l", 37);
    expect(invoke(&host, "calls-old", ""), 200, "one");
    expect_error(invoke(&host, "calls-none", ""), 500, "function_failed");
    struct answer answer = admin(&host, "GET", "/v1/functions/calls-l", "");
    expect_none(&answer, "l@");
    EXPECT_PARTS(answer, "\"callees\":[{\"function\":\"l\"");
    expect(admin(&host, "DELETE", "/v1/functions/l", ""), 200, NULL);
}

/* Waits until this code is not in the store any more. */
static void await_forgotten(const char *code)
{
    char command[256];
    unsigned looks = 0;
    snprintf(command, sizeof command, "grep -rqs '%s' %s/store", code, host.state);
    while (system(command) == 0)
        assert_in_range(++looks, 1, 2000);
}

/* What is refused before anything is loaded leaves no code behind. */
static void keeps_no_code_of_a_part_that_is_refused(void **state)
{
    char path[128], name[64] = "";
    (void)state;
    expect_error(admin(&host, "PUT", "/v1/functions/c?traffic=10", "say something new"), 400, "bad_request");
    await_forgotten("say something new");
    memset(name, 'c', 62); /* too long for @v2 behind it */
    deploy(&host, name, "say one");
    snprintf(path, sizeof path, "/v1/functions/%s?traffic=10", name);
    expect_error(admin(&host, "PUT", path, "say something else"), 400, "bad_request");
    await_forgotten("say something else");
    expect(invoke(&host, name, ""), 200, "one");
}

static void begins_with_a_part(void **state)
{
    (void)state;
    expect_error(admin(&host, "PUT", "/v1/functions/p?traffic=10", "say one"), 400, "bad_request");
    deploy(&host, "p", "say one");
    expect_error(admin(&host, "PUT", "/v1/functions/p?traffic=10", "say one"), 400, "bad_request");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/p?traffic=10%25&slots=3", "say two"), "\"slots\":3",
                 "\"number\":\"v2\"");
    expect_ones("p", 90);
    host_restart(&host);
    expect_ones("p", 90);
    expect_error(admin(&host, "PUT", "/v1/functions/p?traffic=10", "refuse it"), 422, "deployment_refused");
    expect_ones("p", 90);
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/p/traffic?v2=100", ""), "\"slots\":3", "\"number\":\"v2\"");
    expect_ones("p", 0);
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/p", "say three"), "\"number\":\"v3\"");
    expect(invoke(&host, "p", ""), 200, "three");
    expect(admin(&host, "PUT", "/v1/functions/p/traffic?v1=50", ""), 200, NULL);
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/p", "say two"), "\"number\":\"v4\"");
    expect_ones("p", 0); /* what is deployed gets all */
    struct answer answer = admin(&host, "GET", "/v1/functions?limit=1000", "");
    expect_none(&answer, "@");
    answer_fini(&answer);
}

static void has_aliases(void **state)
{
    (void)state;
    char code[32];
    deploy(&host, "a", "say one");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/a/aliases/old?v1=100", ""),
                 "\"aliases\":{\"old\":[{\"number\":\"v1\"");
    deploy(&host, "a", "say two");
    expect(admin(&host, "PUT", "/v1/functions/a/aliases/both?v1=20&v2=80", ""), 200, NULL);
    for (int i = 3; i <= 8; i++) {
        snprintf(code, sizeof code, "say %d", i);
        deploy(&host, "a", code);
    }
    host_restart(&host);
    expect(invoke(&host, "a", ""), 200, "8");
    expect_ones("a@old", 100);
    expect_ones("a@both", 20);
    deploy(&host, "calls-a", "call a@old");
    expect(invoke(&host, "calls-a", ""), 200, "one");
    expect_error(invoke(&host, "a@none", ""), 404, "function_not_found");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/a/aliases/old?v8=100", ""), "\"number\":\"v8\"");
    expect(invoke(&host, "a@old", ""), 200, "8");
    deploy(&host, "a", "say nine");
    expect(invoke(&host, "a@old", ""), 200, "8");
    expect(admin(&host, "DELETE", "/v1/functions/a/aliases/both", ""), 200, NULL);
    expect_error(invoke(&host, "a@both", ""), 404, "function_not_found");
    expect_error(admin(&host, "PUT", "/v1/functions/a/aliases/new?v1=100", ""), 400, "bad_request"); /* dropped */
    expect(admin(&host, "DELETE", "/v1/functions/a", ""), 200, NULL);
    expect_error(invoke(&host, "a@old", ""), 404, "function_not_found");
    await_at_most(&host, "in_flight", 0);
}

static void refuses_what_cannot_be_dealt_out(void **state)
{
    static const char *const bad[] = {
        "traffic?v1=60&v2=50", "traffic?v1=10&v1=20", "traffic?v1=0",    "traffic?v1=101",
        "traffic?v9=10",       "traffic?1=10",        "traffic",         "traffic?v1=10%2525",
        "aliases/prod?v1=50",  "aliases/v1?v1=100",   "aliases/?v1=100", "aliases/prod?v9=100"};
    (void)state;
    char path[256], name[64] = "";
    deploy(&host, "r", "say one");
    deploy(&host, "r", "say two");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(path, sizeof path, "/v1/functions/r/%s", bad[i]);
        expect_error(admin(&host, "PUT", path, ""), 400, "bad_request");
    }
    expect_ones("r", 0);
    expect_error(admin(&host, "PUT", "/v1/functions/none/traffic?v1=10", ""), 404, "function_not_found");
    expect_error(admin(&host, "GET", "/v1/functions/r/traffic", ""), 405, "method_not_allowed");
    memset(name, 'n', 62); /* too long for @v1 behind it */
    deploy(&host, name, "say one");
    snprintf(path, sizeof path, "/v1/functions/%s/aliases/p?v1=100", name);
    expect_error(admin(&host, "PUT", path, ""), 400, "bad_request");
    expect(invoke(&host, name, ""), 200, "one");
}

/* As a row that is damaged in the registry and in its copy. `mark` is in no other row, and as long. */
static void lose_row(const char *mark, const char *instead)
{
    char command[256];
    kill(host.engine, SIGTERM); /* then no row is in a log alone */
    host_await_end(&host);
    host_kill_engine(&host);
    host_kill_launcher(&host);
    snprintf(command, sizeof command, "cd %s && LC_ALL=C sed -i s/%s/%s/g registry*", host.state, mark, instead);
    assert_int_equal(system(command), 0);
    host_start_engine(&host);
    host_start_launcher(&host);
    host_wait_ready(&host);
}

static void goes_on_without_versions_that_are_lost(void **state)
{
    (void)state;
    deploy(&host, "lost?env=MARK%3Dlost-one", "say one");
    expect(admin(&host, "PUT", "/v1/functions/lost/aliases/old?v1=100", ""), 200, NULL);
    expect(admin(&host, "PUT", "/v1/functions/lost/aliases/older?v1=100", ""), 200, NULL);
    deploy(&host, "lost?reset=env", "say two");
    lose_row("lost-one", "lost-two");
    expect(invoke(&host, "lost", ""), 200, "two");
    expect_error(invoke(&host, "lost@old", ""), 404, "function_not_found");
    expect_error(admin(&host, "PUT", "/v1/functions/lost/aliases/old?v1=100", ""), 400, "bad_request");
    struct answer answer = admin(&host, "PUT", "/v1/functions/lost/aliases/new?v2=100", "");
    expect_none(&answer, "\"old");
    EXPECT_PARTS(answer, "\"aliases\":{\"new\"");
    expect(invoke(&host, "lost@new", ""), 200, "two");
    host_restart(&host);
    expect(invoke(&host, "lost@new", ""), 200, "two");
    expect(admin(&host, "DELETE", "/v1/functions/lost", ""), 200, NULL);
}

/* Those that are kept may outlive the row of the function. */
static void gives_no_number_that_is_kept(void **state)
{
    (void)state;
    deploy(&host, "number", "say one");
    deploy(&host, "number", "say two");
    deploy(&host, "number?env=MARK%3Dlost-row", "say three");
    lose_row("lost-row", "lost-top");
    expect_error(invoke(&host, "number", ""), 404, "function_not_found");
    EXPECT_PARTS(admin(&host, "PUT", "/v1/functions/number", "say four"), "\"number\":\"v3\"");
    EXPECT_PARTS(admin(&host, "GET", "/v1/functions/number/versions", ""), "\"v3\"", "\"v2\"", "\"v1\"");
    EXPECT_PARTS(admin(&host, "POST", "/v1/functions/number/rollback", ""), "\"number\":\"v2\"");
    expect(invoke(&host, "number", ""), 200, "two");
}

/* A version that cannot be loaded any more gets no requests. */
static void shares_with_what_can_be_loaded(void **state)
{
    (void)state;
    deploy(&host, "m", "refuse-reloading it");
    deploy(&host, "m", "say two");
    deploy(&host, "exits", "exit");
    expect_error(invoke(&host, "exits", ""), 502, "worker_lost");
    eventually(&host, "m", "", "two");
    expect_error(admin(&host, "PUT", "/v1/functions/m/traffic?v1=50", ""), 422, "deployment_refused");
    expect_ones("m", 0);
    expect(admin(&host, "DELETE", "/v1/functions/m", ""), 200, NULL);
    expect(admin(&host, "DELETE", "/v1/functions/exits", ""), 200, NULL);
    host_restart(&host);
}

static void loses_no_call_to_a_branch(void **state)
{
    (void)state;
    struct caller caller = {.stop = false};
    deploy(&host, "turns", "say one");
    deploy(&host, "turns", "say two");
    assert_int_equal(pthread_create(&caller.thread, NULL, keep_calling, &caller), 0);
    for (int i = 0; i < 20; i++) {
        expect(admin(&host, i % 2 ? "DELETE" : "PUT",
                     i % 2 ? "/v1/functions/turns/traffic" : "/v1/functions/turns/traffic?v3=50", ""),
               200, NULL);
        expect(invoke(&host, "turns", ""), 200, NULL);
    }
    __atomic_store_n(&caller.stop, true, __ATOMIC_RELAXED);
    pthread_join(caller.thread, NULL);
    assert_int_equal(caller.wrong, 0);
    assert_true(caller.calls > 0);
}

/* What waits for a version that has no requests any more goes to the one that serves. */
static void answers_what_waits_for_a_branch(void **state)
{
    (void)state;
    deploy(&host, "w", "sleep-reloading it");
    expect(admin(&host, "PUT", "/v1/functions/w/aliases/old?v1=100", ""), 200, NULL);
    deploy(&host, "w", "say two");
    deploy(&host, "exits", "exit");
    expect_error(invoke(&host, "exits", ""), 502, "worker_lost");
    eventually(&host, "w", "", "two"); /* in the second worker, which never loads the other */
    long before = status_number(&host, "requests");
    int fd = host_connect(&host);
    send_text(fd, "POST /function/w@old HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    await_at_least(&host, "requests", before + 1);
    expect(admin(&host, "DELETE", "/v1/functions/w/aliases/old", ""), 200, NULL);
    expect(read_answer(fd), 200, "two");
    close(fd);
    expect_error(invoke(&host, "w@old", ""), 404, "function_not_found");
    host_restart(&host);
    expect(admin(&host, "DELETE", "/v1/functions/exits", ""), 200, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_versions),
        cmocka_unit_test(says_what_changed),
        cmocka_unit_test(leaves_alone_what_is_unchanged),
        cmocka_unit_test(rolls_back),
        cmocka_unit_test(keeps_serving_when_it_cannot),
        cmocka_unit_test(loses_no_call),
        cmocka_unit_test(deals_requests_out),
        cmocka_unit_test(deals_out_calls_of_those_that_may_call_it),
        cmocka_unit_test(keeps_no_code_of_a_part_that_is_refused),
        cmocka_unit_test(begins_with_a_part),
        cmocka_unit_test(has_aliases),
        cmocka_unit_test(refuses_what_cannot_be_dealt_out),
        cmocka_unit_test(goes_on_without_versions_that_are_lost),
        cmocka_unit_test(gives_no_number_that_is_kept),
        cmocka_unit_test(shares_with_what_can_be_loaded),
        cmocka_unit_test(loses_no_call_to_a_branch),
        cmocka_unit_test(answers_what_waits_for_a_branch),
    };
    return cmocka_run_group_tests_name("engine versions", tests, set_up, tear_down);
}
