/* The checks of debug builds: what they say, and that nothing of them is left in release builds. */
#ifndef NW_DEBUG
#define NW_DEBUG
#endif
#include "common/base/valid.h"
#include "common/test/base/valid_off.h"
#include "common/test/test.h"
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct pair {
    int low, high;
};

static bool pair_is_valid(const struct pair *pair)
{
    return pair->low <= pair->high;
}

enum { PAIR_LINE = __LINE__ + 5, CONDITION_LINE = PAIR_LINE + 6 };

static void check_pair(void)
{
    struct pair pair = {2, 1};
    nw_check_valid(pair, &pair);
}

static void check_condition(void)
{
    struct pair pair = {2, 1};
    nw_check_that(pair.low < pair.high);
}

static void check_good(void)
{
    struct pair pair = {1, 2};
    nw_check_valid(pair, &pair);
    nw_check_that(pair.low < pair.high);
}

/* What a process that does this writes to stderr; its wait status. */
static int run(void (*what)(void), char *said, size_t size)
{
    int pipe_fds[2], status = 0;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (!pid) {
        dup2(pipe_fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        what();
        _exit(0);
    }
    close(pipe_fds[1]);
    ssize_t n = read(pipe_fds[0], said, size - 1);
    said[n > 0 ? n : 0] = '\0';
    close(pipe_fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* `check` ends its process, which says the file, the line and `what`. */
static void must_end(void (*check)(void), int line, const char *what)
{
    char said[512], expected[512];
    int status = run(check, said, sizeof said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    snprintf(expected, sizeof expected, "%s:%d: %s\n", __FILE__, line, what);
    assert_string_equal(said, expected);
}

static void what_is_not_valid_ends_the_process_with_its_name(void **state)
{
    (void)state;
    must_end(check_pair, PAIR_LINE, "pair is not valid");
    must_end(check_condition, CONDITION_LINE, "does not hold: pair.low < pair.high");
}

static void what_is_valid_goes_on(void **state)
{
    char said[512];
    (void)state;
    assert_int_equal(run(check_good, said, sizeof said), 0);
    assert_string_equal(said, "");
}

static void a_release_build_does_not_ask(void **state)
{
    (void)state;
    assert_int_equal(check_without_debug(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_valid_ends_the_process_with_its_name),
        cmocka_unit_test(what_is_valid_goes_on),
        cmocka_unit_test(a_release_build_does_not_ask),
    };
    return cmocka_run_group_tests_name("common/valid", tests, NULL, NULL);
}
