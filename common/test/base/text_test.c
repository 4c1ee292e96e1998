/* What makes text: the buffer, the status table, and log lines that untrusted text cannot forge. */
#include "common/test/test.h"

#include "common/base/buffer.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void buffer_grows_and_shrinks(void **state)
{
    (void)state;
    struct nw_buffer b = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(nw_buffer_printf(&b, "%03d,", i), 0);
    assert_int_equal(b.length, 4000);
    assert_int_equal(b.data[b.length], '\0');
    assert_memory_equal(b.data + 3996, "999,", 4);
    nw_buffer_consume(&b, 3992);
    assert_int_equal(b.length, 8);
    assert_memory_equal(b.data, "998,999,", 8);
    nw_buffer_consume(&b, 0);
    assert_int_equal(nw_buffer_append(&b, "x\0y", 3), 0);
    assert_memory_equal(b.data, "998,999,x\0y", 11);
    nw_buffer_consume(&b, 100);
    assert_int_equal(b.length, 0);
    nw_buffer_fini(&b);
    assert_null(b.data);
}

static void failed_growth_changes_nothing(void **state)
{
    (void)state;
    struct nw_buffer b = {0};
    assert_int_equal(nw_buffer_append(&b, NULL, 0), 0);
    assert_null(b.data);
    assert_int_equal(nw_buffer_append(&b, "abc", 3), 0);
    struct nw_buffer before = b;
    static const size_t too_much[] = {SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 2 - 3};
    for (size_t i = 0; i < sizeof too_much / sizeof too_much[0]; i++)
        assert_int_equal(nw_buffer_reserve(&b, too_much[i]), -ENOMEM);
    assert_memory_equal(&b, &before, sizeof b);
    assert_memory_equal(b.data, "abc", 3);
    nw_buffer_fini(&b);
}

static void status_rows(void **state)
{
    (void)state;
    assert_int_equal(nw_status_info(NW_STATUS_OK)->http, 200);
    assert_int_equal(nw_status_info(NW_STATUS_TIMEOUT)->http, 504);
    assert_string_equal(nw_status_info(NW_STATUS_REFUSED)->code, "deployment_refused");
    assert_ptr_equal(nw_status_info(NW_STATUS_COUNT), nw_status_info(NW_STATUS_INTERNAL));
    assert_ptr_equal(nw_status_info(UINT32_MAX), nw_status_info(NW_STATUS_INTERNAL));
    for (uint32_t i = 0; i < NW_STATUS_COUNT; i++)
        for (uint32_t j = 0; j < i; j++)
            assert_string_not_equal(nw_status_info(i)->code, nw_status_info(j)->code);
}

/* Runs `act` in a child and returns what it wrote to standard error; its exit status in *status. */
static char *stderr_of(void (*act)(const char *), const char *text, int *status)
{
    static char out[65536];
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        nw_log_init("prog", NW_LOG_INFO);
        act(text);
        _exit(0);
    }
    close(fds[1]);
    size_t length = 0;
    ssize_t n;
    while ((n = read(fds[0], out + length, sizeof out - 1 - length)) > 0)
        length += (size_t)n;
    out[length] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
    assert_true(WIFEXITED(*status));
    *status = WEXITSTATUS(*status);
    return out;
}

static void log_info(const char *text)
{
    errno = 42;
    nw_log(NW_LOG_INFO, "got %s", text);
    if (errno != 42)
        nw_log(NW_LOG_INFO, "errno changed");
}

static void log_debug(const char *text)
{
    nw_log(NW_LOG_DEBUG, "%s", text);
}

static void die_system(const char *text)
{
    nw_die_system("no %s", text);
}

static void die_usage(const char *text)
{
    nw_die_usage("no %s", text);
}

/* Fills the pipe that standard error is, and goes on when it has been emptied. */
static void log_to_full_pipe(const char *text)
{
    char filler[4096] = "";
    int back[2], own = dup(STDERR_FILENO);

    if (pipe2(back, O_NONBLOCK) < 0 || own < 0 || dup2(back[1], STDERR_FILENO) < 0)
        _exit(1);
    while (write(STDERR_FILENO, filler, sizeof filler) > 0)
        ;
    if (fcntl(STDERR_FILENO, F_SETFL, 0) < 0) /* from here on a write would wait for ever */
        _exit(2);
    nw_log(NW_LOG_INFO, "%s", text);
    nw_log(NW_LOG_INFO, "%s", text);
    dup2(own, STDERR_FILENO);
    nw_log(NW_LOG_INFO, "%s", text);
}

static void nobody_waits_for_a_full_pipe(void **state)
{
    int status;

    (void)state;
    alarm(20); /* close-on-exec: a child that inherited it would never see its end, and hang with this process */
    assert_string_equal(stderr_of(log_to_full_pipe, "here", &status),
                        "prog: warn: 2 lines of this log are lost: it was full\nprog: info: here\n");
    alarm(0);
    assert_int_equal(status, 0);
}

static void log_bytes(const char *text)
{
    nw_log_bytes(NW_LOG_INFO, text, "a\0b\xc2", 4);
    nw_log_bytes(NW_LOG_INFO, text, "", 0);
}

static void bytes_may_be_anything(void **state)
{
    int status;

    (void)state;
    assert_string_equal(stderr_of(log_bytes, "f: ", &status), "prog: info: f: a\\x00b\xc2\nprog: info: f: \n");
}

static void log_as(const char *format)
{
    static const char text[] = "a \"b\" \\ \n\0\xff\xc3\xbc\xed\xa0\x80";

    setenv(NW_LOG_FORMAT_VARIABLE, format, 1);
    nw_log_init("prog", NW_LOG_INFO);
    nw_log_bytes(NW_LOG_WARN, "f: ", text, sizeof text - 1);
}

/* Behind the time, which is as long in each line. */
static void formats_quote_what_they_must(void **state)
{
    static const char quoted[] = "f: a \\\"b\\\" \\\\ \\\\n\\\\x00?\xc3\xbc???\"";
    char expected[160];
    int status;

    (void)state;
    const char *line = stderr_of(log_as, "json", &status);
    assert_memory_equal(line, "{\"time\":\"20", 11);
    snprintf(expected, sizeof expected, "Z\",\"level\":\"warn\",\"program\":\"prog\",\"message\":\"%s}\n", quoted);
    assert_string_equal(line + 35, expected);
    line = stderr_of(log_as, "logfmt", &status);
    assert_memory_equal(line, "time=20", 7);
    snprintf(expected, sizeof expected, "Z level=warn program=prog msg=\"%s\n", quoted);
    assert_string_equal(line + 31, expected);
}

static void log_lines(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain", "prog: info: got plain\n"},
        {"a\nprog: error: forged", "prog: info: got a\\nprog: error: forged\n"},
        {"\x1b[2J\t\r\x7f", "prog: info: got \\x1b[2J\\t\\x0d\\x7f\n"},
        {"gr\xc3\xbc\xc3\x9f", "prog: info: got gr\xc3\xbc\xc3\x9f\n"},
        {"\xc2\x9b"
         "31m",
         "prog: info: got \\xc2\\x9b31m\n"},
        {"\xc2\xa0", "prog: info: got \xc2\xa0\n"},
        {"\xc2", "prog: info: got \xc2\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int status;
        assert_string_equal(stderr_of(log_info, rows[i][0], &status), rows[i][1]);
    }
}

static void long_lines_are_cut_but_end(void **state)
{
    (void)state;
    static char text[20000];
    for (const char *c = "x\n\x01"; *c; c++) {
        int status;
        memset(text, *c, sizeof text - 1);
        const char *out = stderr_of(log_info, text, &status);
        assert_true(strlen(out) > 2000 && strlen(out) <= 4096);
        assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
    }
}

static void levels_and_exits(void **state)
{
    (void)state;
    int status;
    assert_string_equal(stderr_of(log_debug, "x", &status), "");
    assert_string_equal(stderr_of(die_system, "memory", &status), "prog: error: no memory\n");
    assert_int_equal(status, 111);
    assert_string_equal(stderr_of(die_usage, "flag", &status), "prog: error: no flag\n");
    assert_int_equal(status, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_and_shrinks),
        cmocka_unit_test(failed_growth_changes_nothing),
        cmocka_unit_test(status_rows),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(nobody_waits_for_a_full_pipe),
        cmocka_unit_test(bytes_may_be_anything),
        cmocka_unit_test(formats_quote_what_they_must),
        cmocka_unit_test(long_lines_are_cut_but_end),
        cmocka_unit_test(levels_and_exits),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
