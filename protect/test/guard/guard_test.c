/* Tests of libnwguard.so: programs that it is preloaded into, what they are answered and what they print. */
#include "include/nightward/protect.h"
#include "protect/scan/scan.h"
#include "protect/test/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct outcome {
    int status; /* -1: a signal */
    char output[8192];
};

/* The folder of this program. */
static const char *here(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

    assert_true(length > 0);
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    return path;
}

static void in_child(int output, const char *program, const char *mode, const char *argument)
{
    char path[4200], guard[4200], *environment[] = {guard, NULL};
    char *const arguments[] = {path, (char *)mode, (char *)argument, NULL};

    snprintf(path, sizeof path, "%s/%s", here(), program);
    snprintf(guard, sizeof guard, "LD_PRELOAD=%s/../../lib/libnwguard.so", here());
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve(path, arguments, environment);
    _exit(126);
}

static struct outcome run(const char *program, const char *mode, const char *argument)
{
    struct outcome outcome = {0};
    int ends[2], status;
    size_t length = 0;
    ssize_t got;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        in_child(ends[1], program, mode, argument);
    close(ends[1]);
    while ((got = read(ends[0], outcome.output + length, sizeof outcome.output - 1 - length)) > 0)
        length += got;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (outcome.status != 0)
        print_message("%s %s: status %d: %s\n", program, mode, outcome.status, outcome.output);
    return outcome;
}

static int count(const char *text, const char *what)
{
    int found = 0;

    for (const char *p = strstr(text, what); p != NULL; p = strstr(p + 1, what))
        found++;
    return found;
}

static void expect_report(const struct outcome *outcome, const char *text)
{
    if (strstr(outcome->output, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, outcome->output);
}

static void test_functions_are_refused_and_named(void **state)
{
    static const char *const names[] = {"pkey_alloc", "pkey_free", "pkey_mprotect", "pkey_set", "pkey_get"};
    (void)state;
    struct outcome outcome = run("guard-user", "functions", NULL);

    assert_int_equal(outcome.status, 0);
    for (int i = 0; i < 5; i++) {
        char line[128];
        snprintf(line, sizeof line, "%s refused with EPERM: only libprotect.so may call it; use nw_%s", names[i],
                 names[i]);
        assert_int_equal(count(outcome.output, line), 1); /* pkey_alloc too, which one site calls three times */
    }
    expect_report(&outcome, "/guard-user (at offset 0x");
    expect_report(&outcome, "called by main+0x");
}

static void test_syscall_is_seen_through(void **state)
{
    (void)state;
    struct outcome outcome = run("guard-user", "syscall", NULL);

    assert_int_equal(outcome.status, 0);
    assert_int_equal(count(outcome.output, "refused"), 5);
    assert_int_equal(count(outcome.output, "syscall(SYS_pkey_alloc) refused"), 3);
    assert_int_equal(count(outcome.output, "syscall(SYS_pkey_free) refused"), 1);
    assert_int_equal(count(outcome.output, "syscall(SYS_pkey_mprotect) refused"), 1);
}

static void need_keys(void **state)
{
    int limit = nw_pkey_limit();
    (void)state;

    if (limit > 0)
        return;
    print_message("libprotect cannot work on this machine: %s\n", strerror(-limit));
    skip();
}

static void test_libprotect_is_allowed(void **state)
{
    need_keys(state);
    struct outcome outcome = run("guard-user", "libprotect", NULL);

    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.output, "");
}

static void test_tail_calls_are_refused(void **state)
{
    (void)state;
    struct outcome outcome = run("guard-user", "tail", NULL);

    assert_int_equal(outcome.status, 0);
    expect_report(&outcome, "called by a tail call below ");
    expect_report(&outcome, "/libc.so.6 (at offset 0x");
}

static void test_callbacks_of_libprotect_are_refused(void **state)
{
    need_keys(state);
    struct outcome outcome = run("guard-user", "callback", NULL);

    assert_int_equal(outcome.status, 0);
    assert_int_equal(count(outcome.output, "refused"), 1);
}

static void test_code_of_no_module_is_refused(void **state)
{
    (void)state;
    struct outcome outcome = run("guard-user", "no-module", NULL);

    assert_int_equal(outcome.status, 0);
    expect_report(&outcome, "that belongs to no module");
    expect_report(&outcome, "no unwind information");
}

static void test_code_without_unwind_info_is_refused(void **state)
{
    (void)state;
    struct outcome outcome = run("guard-user", "no-unwind-info", NULL);

    assert_int_equal(outcome.status, 0);
    expect_report(&outcome, "called by guard_user_no_unwind_info+0x9 in ");
    expect_report(&outcome, "no unwind information");
}

static void test_dlopened_code_is_refused(void **state)
{
    char path[4200];
    (void)state;

    snprintf(path, sizeof path, "%s/guard-plugin.so", here());
    struct outcome outcome = run("guard-user", "plugin", path);
    assert_int_equal(outcome.status, 0);
    expect_report(&outcome, "called by plugin_alloc+0x");
    expect_report(&outcome, "/guard-plugin.so (at offset 0x");
}

static void test_code_that_finds_libc_first_is_not_seen(void **state)
{
    char path[4200];
    need_keys(state);

    snprintf(path, sizeof path, "%s/guard-plugin.so", here());
    for (int i = 0; i < 2; i++) {
        struct outcome outcome = run("guard-user", i == 0 ? "deepbind" : "dlmopen", path);
        assert_int_equal(outcome.status, 0);
        assert_string_equal(outcome.output, "");
    }
}

static void test_own_instructions_are_not_seen(void **state)
{
    (void)state;
    struct outcome outcome = run("guard-user", "instruction", NULL);

    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.output, "");
}

static void test_static_programs_are_left_alone(void **state)
{
    need_keys(state);
    struct outcome outcome = run("guard-static", NULL, NULL);

    assert_int_equal(outcome.status, 0);
    assert_string_equal(outcome.output, "1\n");
}

static void test_static_libprotect_is_refused(void **state)
{
    need_keys(state);
    struct outcome outcome = run("guard-archive", NULL, NULL);

    assert_int_equal(outcome.status, 0);
    expect_report(&outcome, "pkey_alloc refused with EPERM");
    expect_report(&outcome, "\n-1\n"); /* -EPERM */
}

/* It can be loaded where code is inspected. */
static void test_it_holds_no_forbidden_instruction(void **state)
{
    char path[4200];
    size_t size;
    (void)state;

    snprintf(path, sizeof path, "%s/../../lib/libnwguard.so", here());
    uint8_t *bytes = fixture_read(path, &size);
    assert_non_null(bytes);
    assert_int_equal(nw_scan(bytes, size, NULL, 0), 0);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_are_refused_and_named),
        cmocka_unit_test(test_syscall_is_seen_through),
        cmocka_unit_test(test_libprotect_is_allowed),
        cmocka_unit_test(test_tail_calls_are_refused),
        cmocka_unit_test(test_callbacks_of_libprotect_are_refused),
        cmocka_unit_test(test_code_of_no_module_is_refused),
        cmocka_unit_test(test_code_without_unwind_info_is_refused),
        cmocka_unit_test(test_dlopened_code_is_refused),
        cmocka_unit_test(test_code_that_finds_libc_first_is_not_seen),
        cmocka_unit_test(test_own_instructions_are_not_seen),
        cmocka_unit_test(test_static_programs_are_left_alone),
        cmocka_unit_test(test_static_libprotect_is_refused),
        cmocka_unit_test(test_it_holds_no_forbidden_instruction),
    };
    return cmocka_run_group_tests_name("protect/guard", tests, NULL, NULL);
}
