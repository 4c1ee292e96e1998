/* Versions of a function: which are kept, how they are told, and what a redeploy says of them. */
#include "engine/test/host/host.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_versions),
        cmocka_unit_test(says_what_changed),
    };
    return cmocka_run_group_tests_name("engine versions", tests, set_up, tear_down);
}
