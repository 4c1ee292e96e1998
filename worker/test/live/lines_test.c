/* Lines of the log from what a function writes: however many writes a line takes, and whatever bytes it holds. */
#include "common/test/test.h"
#include "worker/test/harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define INFO "nightward-worker-1: info: function talker: "

static struct nw_harness h;
static int log_file;
static char log_text[1 << 20];
static uint32_t deployment;

static const char *read_log(void)
{
    ssize_t length = pread(log_file, log_text, sizeof(log_text) - 1, 0);

    assert_true(length >= 0);
    log_text[length] = '\0';
    return log_text;
}

static void start(void)
{
    const char *mode = getenv("NW_TEST_MODE"), *build = getenv("NW_BUILD");
    char path[512];
    struct nw_load load = {.name = "talker", .so = path, .slots = 1, .timeout_ms = 60000};

    snprintf(path, sizeof(path), "%s/test/worker/talker.so", build ? build : "build");
    log_file = memfd_create("log", MFD_CLOEXEC);
    assert_true(log_file >= 0);
    nw_harness_start_without(&h, mode ? (enum nw_mode)nw_mode_parse(mode) : NW_MODE_MPK, 2, NULL, log_file);
    deployment = nw_harness_load(&h, &load);
    assert_int_not_equal(deployment, 0);
}

static void talk(const void *script, size_t length)
{
    struct nw_answer answer = nw_harness_invoke(&h, deployment, script, length);

    assert_int_equal(answer.status, NW_STATUS_OK);
    free(answer.data);
}

static void says(const char *script, const char *expected)
{
    start();
    talk(script, strlen(script));
    nw_harness_stop(&h);
    assert_string_equal(read_log(), expected);
}

static void pieces_are_one_line(void **state)
{
    (void)state;
    says("user=|42| status=|200|\n", INFO "user=42 status=200\n");
}

static void each_end_of_line_ends_one(void **state)
{
    (void)state;
    says("a\nb|c\n\n|\nd|\n", INFO "a\n" INFO "bc\n" INFO "\n" INFO "\n" INFO "d\n");
}

static void streams_have_lines_of_their_own(void **state)
{
    (void)state;
    says("err|>out|<or\n|>put\n", INFO "error\n" INFO "output\n");
}

static void bytes_are_kept_and_escaped(void **state)
{
    static const char script[] = "a\0b\x1b[31m\r\n";

    (void)state;
    start();
    talk(script, sizeof(script) - 1);
    nw_harness_stop(&h);
    assert_string_equal(read_log(), INFO "a\\x00b\\x1b[31m\\x0d\n");
}

static void a_line_without_an_end_is_not_glued_to_the_next_invocations(void **state)
{
    (void)state;
    start();
    talk("first", 5);
    talk("second\n", 7);
    talk("last", 4);
    nw_harness_stop(&h);
    assert_string_equal(read_log(), INFO "first\n" INFO "second\n" INFO "last\n");
}

static void what_rests_becomes_a_line(void **state)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int left = 20000;

    (void)state;
    start();
    nw_harness_send(&h, deployment, "resting~", 8);
    while (!strstr(read_log(), INFO "resting\n") && left-- > 0)
        nanosleep(&pause, NULL);
    assert_true(left > 0);
    nw_harness_stop(&h); /* in the middle of the invocation */
    assert_string_equal(read_log(), INFO "resting\n");
}

/* It becomes several lines of the log, and no byte is lost between them. */
static void a_long_line_is_whole(void **state)
{
    static char script[16384];
    size_t seen = 0;

    (void)state;
    memset(script, 'x', sizeof(script));
    start();
    talk(script, sizeof(script));
    nw_harness_stop(&h);
    for (const char *line = read_log(); *line; line = strchr(line, '\n') + 1) {
        assert_memory_equal(line, INFO, strlen(INFO));
        seen += strspn(line + strlen(INFO), "x");
    }
    assert_int_equal(seen, sizeof(script));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_one_line),
        cmocka_unit_test(each_end_of_line_ends_one),
        cmocka_unit_test(streams_have_lines_of_their_own),
        cmocka_unit_test(bytes_are_kept_and_escaped),
        cmocka_unit_test(a_line_without_an_end_is_not_glued_to_the_next_invocations),
        cmocka_unit_test(what_rests_becomes_a_line),
        cmocka_unit_test(a_long_line_is_whole),
    };
    const char *mode = getenv("NW_TEST_MODE");
    char why[256];

    if (!mode && !nw_mode_mpk_usable(why, sizeof(why)))
        setenv("NW_TEST_MODE", "process", 1);
    return cmocka_run_group_tests_name("worker/lines", tests, NULL, NULL);
}
