/* Lists of many functions: pages of the admin API, and `nightward list` over them. */
#include "engine/test/host/host.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

#define MANY 230 /* more than `nightward list` asks for at once */

static struct host host;

static void deploy_many(unsigned n)
{
    int fd = host_connect_admin(&host);
    for (unsigned i = 0; i < n; i++) {
        char path[64];
        snprintf(path, sizeof path, "/v1/functions/f%03u?slots=1", i * 7 % n);
        struct answer answer = exchange(fd, "PUT", path, "say x", 5);
        if (answer.status != 200)
            fail_msg("%s: %s", path, answer.body);
        answer_fini(&answer);
    }
    close(fd);
}

/* The names in an answer, in the order in which they stand there, each with a blank behind it. */
static void names_in(const char *text, char *names)
{
    static const char mark[] = "{\"name\":\"";
    for (const char *at = text; (at = strstr(at, mark)); at++) {
        const char *name = at + strlen(mark);
        names += sprintf(names, "%.*s ", (int)strcspn(name, "\""), name);
    }
    *names = '\0';
}

static void expect_page(const char *query, const char *names, const char *end)
{
    char path[128], found[64 * MANY];
    snprintf(path, sizeof path, "/v1/functions%s", query);
    struct answer answer = admin(&host, "GET", path, "");
    assert_int_equal(answer.status, 200);
    names_in(answer.body, found);
    assert_string_equal(found, names);
    size_t length = strlen(end);
    assert_true(answer.length >= length);
    assert_string_equal(answer.body + answer.length - length, end);
    answer_fini(&answer);
}

static void lists_functions_in_pages(void **state)
{
    (void)state;
    host_start(&host, NULL);
    expect_page("", "", "\"functions\":[],\"total\":0}\n");
    deploy_many(5);
    expect_page("", "f000 f001 f002 f003 f004 ", "],\"total\":5}\n");
    expect_page("?limit=5", "f000 f001 f002 f003 f004 ", "],\"total\":5}\n");
    expect_page("?limit=2", "f000 f001 ", "],\"total\":5,\"next\":\"f001\"}\n");
    expect_page("?after=f001&limit=2", "f002 f003 ", "],\"total\":5,\"next\":\"f003\"}\n");
    expect_page("?limit=2&after=f003", "f004 ", "],\"total\":5}\n");
    expect_page("?after=f002x", "f003 f004 ", "],\"total\":5}\n"); /* that one is gone meanwhile */
    expect_page("?after=z", "", "],\"total\":5}\n");
    static const char *const wrong[] = {"?limit=0", "?limit=1001", "?limit=2x", "?limit=", "?before=a", "?limit=-1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "/v1/functions%s", wrong[i]);
        expect_error(admin(&host, "GET", path, ""), 400, "bad_request");
    }
    host_stop(&host);
}

/* The command's output, which must be all that it prints. */
static size_t run_list(const char *flags, char *output, size_t size)
{
    char test[PATH_MAX] = "", command[3 * PATH_MAX];
    assert_true(readlink("/proc/self/exe", test, sizeof test - 1) > 0);
    snprintf(command, sizeof command, "%s/../../bin/nightward list --state %s %s", dirname(test), host.state, flags);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t n = fread(output, 1, size - 1, pipe);
    output[n] = '\0';
    assert_int_equal(pclose(pipe), 0);
    return n;
}

static void the_command_lists_all_pages(void **state)
{
    (void)state;
    static char output[1 << 20], found[64 * MANY], expected[64 * MANY];
    char *at = expected;
    host_start(&host, NULL);
    run_list("--json", output, sizeof output);
    assert_string_equal(output, "{\"functions\":[],\"total\":0}\n");
    run_list("", output, sizeof output);
    assert_non_null(strstr(output, "Nothing is deployed"));
    deploy_many(MANY);
    for (unsigned i = 0; i < MANY; i++)
        at += sprintf(at, "f%03u ", i);
    size_t n = run_list("--json", output, sizeof output);
    names_in(output, found);
    assert_string_equal(found, expected);
    assert_int_equal(strncmp(output, "{\"functions\":[{", 15), 0);
    assert_string_equal(output + n - 16, "}],\"total\":230}\n");
    run_list("", output, sizeof output);
    unsigned lines = 0;
    for (const char *line = output; (line = strchr(line, '\n')); line++)
        lines++;
    assert_int_equal(lines, MANY + 1); /* one head */
    host_stop(&host);
}

#define FAILED 103 /* more than are told of */

static void lose_all_code(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm %s/store/*.so", host.state);
    assert_int_equal(system(command), 0);
}

static unsigned occurrences(const char *text, const char *of)
{
    unsigned n = 0;
    for (; (text = strstr(text, of)); text++)
        n++;
    return n;
}

/* However many functions cannot be loaded, the status stays short; and it forgets those that can be again. */
static void the_status_stays_short(void **state)
{
    (void)state;
    host_start(&host, NULL);
    deploy_many(FAILED);
    host_kill_engine(&host);
    close(host.lifeline);
    host_kill_launcher(&host);
    lose_all_code();
    host_start_engine(&host);
    host_start_launcher(&host);
    host_wait_ready(&host);
    assert_int_equal(status_number(&host, "deployments"), FAILED);
    for (unsigned i = 0; i < FAILED; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%03u", i);
        expect_error(invoke(&host, name, ""), 503, "unavailable");
    }
    struct answer answer = admin(&host, "GET", "/v1/status", "");
    assert_int_equal(occurrences(answer.body, "\"about\":\"f"), 101); /* one is about all others */
    assert_non_null(strstr(answer.body, "more of them cannot be loaded"));
    answer_fini(&answer);
    deploy(&host, "f000", "say x");
    eventually(&host, "f102", "", "x");
    answer = admin(&host, "GET", "/v1/status", "");
    assert_null(strstr(answer.body, "f102"));
    answer_fini(&answer);
    host_stop(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_functions_in_pages),
        cmocka_unit_test(the_command_lists_all_pages),
        cmocka_unit_test(the_status_stays_short),
    };
    return cmocka_run_group_tests_name("engine listing", tests, NULL, NULL);
}
