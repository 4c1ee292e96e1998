/* Versions of a function: which are kept, how they are told, and what a redeploy says of them. */
#include "engine/test/host/host.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_versions), cmocka_unit_test(says_what_changed),
        cmocka_unit_test(rolls_back),     cmocka_unit_test(keeps_serving_when_it_cannot),
        cmocka_unit_test(loses_no_call),
    };
    return cmocka_run_group_tests_name("engine versions", tests, set_up, tear_down);
}
