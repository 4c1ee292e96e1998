/* Every sample function does what its first comment says, run natively in this process (or a child, where it dies). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "functions/test/host.h"
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENOUGH 30 /* seconds for what ends by itself */

/* The functions lie in ../../functions of the test program. */
static int setup(void **state)
{
    char self[2048], folder[2100];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length < 0)
        return -1;
    self[length] = '\0';
    snprintf(folder, sizeof folder, "%s/../../functions", dirname(self));
    *state = host_new(folder);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    host_free(*state);
    return 0;
}

static void expect(void **state, const char *name, const char *input, const char *expected)
{
    const char *output;
    size_t length;

    assert_int_equal(host_call(*state, name, input, strlen(input), &output, &length), 0);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(output, expected);
}

static void expect_failure(void **state, const char *name, const char *input)
{
    const char *output;
    size_t length;

    assert_int_not_equal(host_call(*state, name, input, strlen(input), &output, &length), 0);
}

static void hello_greets(void **state)
{
    expect(state, "hello", "Ada", "Hello, Ada!\n");
    expect(state, "hello", "", "Hello, world!\n");
}

static void input_needs_no_terminator(void **state)
{
    const char *output;
    size_t length;

    assert_int_equal(host_call(*state, "hello", "Adaxxxx", 3, &output, &length), 0);
    assert_string_equal(output, "Hello, Ada!\n");
    assert_int_equal(host_call(*state, "chain", "1234", 1, &output, &length), 0);
    assert_string_equal(output, "1 > 0\n");
    assert_int_equal(host_call(*state, "fault", "okay", 2, &output, &length), 0);
    assert_string_equal(output, "ok\n");
}

static void echo_keeps_every_byte(void **state)
{
    static unsigned char input[1 << 16];
    const char *output;
    size_t length;

    for (size_t i = 0; i < sizeof input; i++)
        input[i] = (unsigned char)(i * 7);
    assert_int_equal(host_call(*state, "echo", input, sizeof input, &output, &length), 0);
    assert_int_equal(length, sizeof input);
    assert_memory_equal(output, input, sizeof input);
    expect(state, "echo", "", "");
}

static void foo_calls_bar(void **state)
{
    expect(state, "foo", "you", "foo called bar: bar heard you\n");
}

static void chain_shows_every_level(void **state)
{
    expect(state, "chain", "0", "0\n");
    expect(state, "chain", "8", "8 > 7 > 6 > 5 > 4 > 3 > 2 > 1 > 0\n");
    expect(state, "chain", "2 hello", "2 > Hello, 1 hello!\n");
    expect(state, "chain", "3\n", "3 > 2 > 1 > 0\n");
}

static void chain_refuses_other_input(void **state)
{
    expect_failure(state, "chain", "");
    expect_failure(state, "chain", "-1");
    expect_failure(state, "chain", "three");
    expect_failure(state, "chain", "3 a b");
    expect_failure(state, "chain", "3a");
    expect_failure(state, "chain", "0a");
    expect_failure(state, "chain", "00000000");
    expect_failure(state, "chain", "99999999999999999999999");
    expect_failure(state, "chain", "1 no-such-function");
}

static void cpp_counts_and_catches(void **state)
{
    expect(state, "cpp", "b a b", "a=1 b=2 (counted by the helper thread: 3, by this thread: 0)\n");
    expect(state, "cpp", " ", "caught: no words in the input\n");
}

static void digest_is_sha256(void **state)
{
    expect(state, "digest", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n");
    expect(state, "digest", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n");
}

static void callbench_reports(void **state)
{
    const char *output, *line;
    size_t length;
    unsigned long p50, p99, p999, min, clock;
    unsigned n;

    assert_int_equal(host_call(*state, "callbench", "500 64", 6, &output, &length), 0);
    line = strstr(output, "\np50=");
    assert_non_null(line);
    assert_int_equal(
        sscanf(line, "\np50=%lu p99=%lu p999=%lu min=%lu clock=%lu n=%u", &p50, &p99, &p999, &min, &clock, &n), 6);
    assert_int_equal(n, 500);
    assert_true(min <= p50 && p50 <= p99 && p99 <= p999);
    expect_failure(state, "callbench", "10 1 no-such-function");
    expect_failure(state, "callbench", "0 1");
    expect_failure(state, "callbench", "10 16777217");
    expect_failure(state, "callbench", "10");
}

/* Undoes cmocka's handlers, which turn a crash into a failed test. */
static void default_signals(void)
{
    const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS};

    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], SIG_DFL);
}

/* Runs `fault INPUT` in a child with little memory, few files and an alarm; what waitpid said, output in `out`. */
static int fault_in_child(void **state, const char *input, unsigned seconds, char *out, size_t out_size)
{
    int pipe_fds[2], status;
    pid_t child;
    ssize_t got;

    assert_int_equal(pipe(pipe_fds), 0);
    child = fork();
    if (child == 0) {
        const char *output;
        size_t length;
        default_signals();
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        setrlimit(RLIMIT_AS, &(struct rlimit){256 << 20, 256 << 20});
        setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, 64});
        alarm(seconds);
        int result = host_call(*state, "fault", input, strlen(input), &output, &length);
        if (length)
            result |= write(pipe_fds[1], output, length) != (ssize_t)length;
        _exit(result);
    }
    close(pipe_fds[1]);
    got = read(pipe_fds[0], out, out_size - 1);
    out[got > 0 ? got : 0] = '\0';
    close(pipe_fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* AddressSanitizer needs more address space than the limit leaves, and answers crashes in its own way. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#define UNDER_ASAN __has_feature(address_sanitizer) /* clang */
#else
#define UNDER_ASAN 0
#endif

static void skip_under_asan(void)
{
    if (UNDER_ASAN) {
        print_message("skipped: crashes and limits of a function are not those of a function under AddressSanitizer\n");
        skip();
    }
}

static void fault_dies(void **state)
{
    static const struct {
        const char *input;
        int signal;
    } deaths[] = {
        {"segv", SIGSEGV},     {"read 0x10", SIGSEGV}, {"write 0x10", SIGSEGV},
        {"overflow", SIGSEGV}, {"abort", SIGABRT},     {"badfree", SIGABRT},
        {"loop", SIGALRM},     {"sleep", SIGALRM},     {"deadlock", SIGALRM},
    };
    char out[256];

    skip_under_asan();
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        unsigned seconds = deaths[i].signal == SIGALRM ? 1 : ENOUGH;
        int status = fault_in_child(state, deaths[i].input, seconds, out, sizeof out);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != deaths[i].signal)
            fail_msg("fault %s: wait status %#x instead of signal %d", deaths[i].input, (unsigned)status,
                     deaths[i].signal);
    }
    assert_int_equal(WEXITSTATUS(fault_in_child(state, "exit", ENOUGH, out, sizeof out)), 3);
    assert_int_equal(WEXITSTATUS(fault_in_child(state, "return", ENOUGH, out, sizeof out)), 7);
}

static void fault_reports(void **state)
{
    static const struct {
        const char *input, *beginning;
    } answers[] = {
        {"ok", "ok\n"},
        {"sleep 0", "slept\n"},
        {"oom", "malloc: ENOMEM after "},
        {"leak", "leaked 1048576 bytes\n"},
        {"fdleak", "open: EMFILE after "},
        {"threadleak", "started 4 threads"},
        {"syscall 39", "39: "},
        {"syscall 9999", "9999: ENOSYS\n"},
        {"pkey", "pkey_alloc: "},
    };
    char out[256];

    skip_under_asan();
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        int status = fault_in_child(state, answers[i].input, ENOUGH, out, sizeof out);
        if (status || strncmp(out, answers[i].beginning, strlen(answers[i].beginning)))
            fail_msg("fault %s: wait status %#x, output \"%s\"", answers[i].input, (unsigned)status, out);
    }
    expect_failure(state, "fault", "no-such-action");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_greets),
        cmocka_unit_test(input_needs_no_terminator),
        cmocka_unit_test(echo_keeps_every_byte),
        cmocka_unit_test(foo_calls_bar),
        cmocka_unit_test(chain_shows_every_level),
        cmocka_unit_test(chain_refuses_other_input),
        cmocka_unit_test(cpp_counts_and_catches),
        cmocka_unit_test(digest_is_sha256),
        cmocka_unit_test(callbench_reports),
        cmocka_unit_test(fault_dies),
        cmocka_unit_test(fault_reports),
    };

    return cmocka_run_group_tests_name("samples", tests, setup, teardown);
}
