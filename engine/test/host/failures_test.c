/*
 * Who is told what of a failure: the public a code and the id of the request, the owner also why, under that id.
 */
#include "engine/test/host/host.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define SECRET "/var/lib/secret/path"

static struct host host;

static int set_up(void **state)
{
    (void)state;
    host_start(&host, (const char *[]){NULL});
    deploy(&host, "fails", "fail \"at\" " SECRET " \x01 \xff");
    deploy(&host, "good", "say good");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static struct answer invoke_with_id(const char *name, const char *id)
{
    char request[256];
    int fd = host_connect(&host);
    snprintf(request, sizeof request, "GET /function/%s HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n\r\n", name, id);
    send_text(fd, request);
    struct answer answer = read_answer(fd);
    close(fd);
    return answer;
}

/* Another thread tells the one that answers here a moment later. */
static void await_description(const char *name, const char *text)
{
    char path[128];
    struct answer answer = {0};
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    for (int ms = 0; ms < HOST_WAIT_MS; ms++, usleep(1000)) {
        answer_fini(&answer);
        answer = admin(&host, "GET", path, "");
        if (strstr(answer.body, text)) {
            expect(answer, 200, NULL);
            return;
        }
    }
    fail_msg("%s is not in %s", text, answer.body);
}

static void tells_the_public_a_code_and_an_id(void **state)
{
    (void)state;
    struct answer answer = invoke_with_id("fails", "my-id");
    assert_null(strstr(answer.body, "secret"));
    assert_non_null(strstr(answer.body, "\"function\":\"fails\""));
    assert_non_null(strstr(answer.body, "\"request_id\":\"my-id\""));
    expect_error(answer, 500, "function_failed");
}

static void tells_the_owner_who_calls_why(void **state)
{
    (void)state;
    struct answer answer = invoke_as_owner(&host, "fails", "");
    assert_non_null(strstr(answer.body, "\\\"at\\\" " SECRET " \\u0001 \\ufffd"));
    expect_error(answer, 500, "function_failed");
}

static void describes_the_last_failure(void **state)
{
    (void)state;
    deploy(&host, "new", "fail because");
    struct answer answer = admin(&host, "GET", "/v1/functions/new", "");
    assert_null(strstr(answer.body, "last_error"));
    answer_fini(&answer);
    expect_error(invoke_with_id("new", "first-id"), 500, "function_failed");
    await_description("new", "\"request_id\":\"first-id\"");
    expect_error(invoke_with_id("new", "second-id"), 500, "function_failed");
    await_description("new", "\"code\":\"function_failed\",\"request_id\":\"second-id\",\"reason\":\"because\"}");
    await_description("new", "\"last_error\":{\"time\":\"20");
}

/* JSON whatever the function said, and nobody else's last error. */
static void describes_hostile_text_as_text(void **state)
{
    (void)state;
    expect_error(invoke_with_id("fails", "hostile"), 500, "function_failed");
    await_description("fails", "\"reason\":\"\\\"at\\\" " SECRET " \\u0001 \\ufffd\"");
    struct answer answer = admin(&host, "GET", "/v1/functions/good", "");
    assert_null(strstr(answer.body, "last_error"));
    expect(answer, 200, NULL);
}

/* What a request asks for wrongly is its client's affair. */
static void notes_no_error_of_a_client(void **state)
{
    (void)state;
    int fd = host_connect(&host);
    expect_error(exchange(fd, "PUT", "/function/good", "", 0), 405, "method_not_allowed");
    close(fd);
    struct answer answer = admin(&host, "GET", "/v1/functions/good", "");
    assert_null(strstr(answer.body, "last_error"));
    expect(answer, 200, NULL);
}

static void keeps_a_failed_deployment_to_the_owner(void **state)
{
    (void)state;
    char granted[] = "/tmp/nw-granted-XXXXXX", name[128];
    assert_non_null(mkdtemp(granted));
    snprintf(name, sizeof name, "rotten?profile=files&directories=%s:ro", granted);
    deploy(&host, name, "say rotten");
    assert_int_equal(rmdir(granted), 0);
    host_restart(&host);
    struct answer answer = invoke_with_id("rotten", "of-rotten");
    assert_null(strstr(answer.body, granted));
    expect_error(answer, 503, "unavailable");
    answer = invoke_as_owner(&host, "rotten", "");
    assert_non_null(strstr(answer.body, granted));
    expect_error(answer, 503, "unavailable");
    await_description("rotten", "\"state\":\"failed\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_public_a_code_and_an_id), cmocka_unit_test(tells_the_owner_who_calls_why),
        cmocka_unit_test(describes_the_last_failure),        cmocka_unit_test(describes_hostile_text_as_text),
        cmocka_unit_test(notes_no_error_of_a_client),        cmocka_unit_test(keeps_a_failed_deployment_to_the_owner),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
