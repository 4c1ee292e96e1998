/* What is refused says EPERM to the function, and to its author which call it was, about what, and where it was made.
 */
#include "common/test/test.h"
#include "worker/test/live/logged.h"
#include <stdio.h>
#include <string.h>

static int start(void **state)
{
    nw_logged_setup(state);
    if (!nw_logged_load((struct nw_load){.so = "forker"}))
        fail_msg("refused: %s", nw_logged.harness.message.text);
    return 0;
}

/* One line names the call, and the function of forker.c that asked for it. */
static void refused_as(const char *call, const char *frame)
{
    char begin[128];
    const char *line, *in;

    snprintf(begin, sizeof(begin), "function forker: system call %s refused at 0x", call);
    line = strstr(nw_logged_text(), begin);
    if (!line)
        fail_msg("\"%s\" is not in: %s", begin, nw_logged_text());
    in = strstr(line, ", in ");
    if (!in || strncmp(in + 5, frame, strlen(frame)) != 0 || in[5 + strlen(frame)] != '+')
        fail_msg("not in %s: %.200s", frame, line);
    assert_null(strstr(line + 1, begin));
}

static void each_way_to_a_process_is_refused_by_name(void **state)
{
    (void)state;
    assert_string_equal(nw_logged_ask("fork"), "EPERM");
    refused_as("clone", "by_fork");
    assert_string_equal(nw_logged_ask("clone"), "EPERM");
    assert_string_equal(nw_logged_ask("vfork"), "EPERM");
    refused_as("vfork", "by_vfork");
    assert_string_equal(nw_logged_ask("exec"), "EPERM");
    refused_as("execve of \"/bin/true\"", "by_exec");
}

/* Deep in libc. */
static void a_spawn_is_named_where_the_function_asked_for_it(void **state)
{
    (void)state;
    assert_string_equal(nw_logged_ask("spawn"), "EPERM");
    refused_as("clone", "by_spawn");
}

static void a_command_is_named_where_the_function_asked_for_it(void **state)
{
    (void)state;
    assert_string_equal(nw_logged_ask("system"), "EPERM");
    refused_as("clone", "by_system");
}

static void popen_says_what_is_so(void **state)
{
    (void)state;
    assert_string_equal(nw_logged_ask("popen"), "EPERM");
    refused_as("execve of \"/bin/sh\"", "by_popen");
}

/* A path may hold anything. */
static void an_open_is_named_with_its_path(void **state)
{
    (void)state;
    assert_string_equal(nw_logged_ask("open"), "EPERM");
    refused_as("openat of \"/usr/lib/os-release\\n\"", "open_late");
}

/* Its author may have changed it, or look at another log. */
static void another_version_is_told_of_its_own(void **state)
{
    const char *line;

    (void)state;
    assert_string_equal(nw_logged_ask("fork"), "EPERM");
    nw_harness_tell(&nw_logged.harness, NW_CONTROL_RETIRE, nw_logged.deployment);
    nw_harness_expect(&nw_logged.harness, NW_CONTROL_RETIRED);
    assert_true(nw_logged_load((struct nw_load){.so = "forker"}));
    assert_string_equal(nw_logged_ask("fork"), "EPERM");
    line = strstr(nw_logged_text(), "function forker: system call clone refused");
    assert_non_null(line);
    assert_non_null(strstr(line + 1, "function forker: system call clone refused"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_way_to_a_process_is_refused_by_name, start, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_spawn_is_named_where_the_function_asked_for_it, start, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(a_command_is_named_where_the_function_asked_for_it, start, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(popen_says_what_is_so, start, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(an_open_is_named_with_its_path, start, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(another_version_is_told_of_its_own, start, nw_logged_teardown),
    };

    return NW_LOGGED_RUN("worker/refusal", tests);
}
