/* Starting an engine: what it refuses, how it says so, and that it needs its supervisor. */
#include "engine/test/host/host.h"
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static char output[8192];

static void fails_with(int status, const char *words, const char *const *arguments, int fd3)
{
    int rc = host_run_engine(arguments, fd3, output, sizeof output);
    if (rc != status || !strstr(output, words))
        fail_msg("status %d, not %d, or no \"%s\" in: %s", rc, status, words, output);
}

#define ARGUMENTS(...)    \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

static void names_the_flag_that_is_wrong(void **state)
{
    (void)state;
    fails_with(2, "--state", ARGUMENTS("--mode", "none"), -1);
    fails_with(2, "--mode", ARGUMENTS("--state", "/tmp"), -1);
    fails_with(2, "--mode", ARGUMENTS("--state", "/tmp", "--mode", "auto"), -1);
    fails_with(2, "--workers", ARGUMENTS("--workers", "0"), -1);
    fails_with(2, "--workers", ARGUMENTS("--workers", "2x"), -1);
    fails_with(2, "--body-limit", ARGUMENTS("--body-limit=99999999999999999999"), -1);
    fails_with(2, "--body-limit", ARGUMENTS("--state=/tmp", "--mode=none", "--arena=1M", "--body-limit=2M"), -1);
    fails_with(2, "--ring", ARGUMENTS("--ring", "100"), -1);
    fails_with(2, "--arena", ARGUMENTS("--arena", "1048577"), -1);
    fails_with(2, "--colour", ARGUMENTS("--colour", "red"), -1);
    fails_with(2, "--log-level", ARGUMENTS("--log-level", "loud"), -1);
    fails_with(2, "a value must follow", ARGUMENTS("--state"), -1);
    fails_with(2, "nightward up", ARGUMENTS("--state", "/tmp", "--mode", "none"), -1);
}

static void names_what_is_in_the_way(void **state)
{
    (void)state;
    struct host host;
    char busy[80], other[] = "/tmp/nw-engine-other-XXXXXX", pid[32];
    int pair[2];
    host_start(&host, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    snprintf(pid, sizeof pid, "pid %d", (int)host.engine);
    fails_with(111, pid, ARGUMENTS("--state", host.state, "--mode", "none", "--listen", "127.0.0.1:0"), pair[1]);
    assert_non_null(mkdtemp(other));
    snprintf(busy, sizeof busy, "%s", host.address);
    fails_with(111, "in use", ARGUMENTS("--state", other, "--mode", "none", "--listen", busy), pair[1]);
    assert_null(strstr(output, "chmod"));
    assert_int_equal(chmod(other, 0730), 0);
    fails_with(111, "chmod go-w", ARGUMENTS("--state", other, "--mode", "none", "--listen", busy), pair[1]);
    assert_int_equal(chmod(other, 0750), 0);
    fails_with(2, "--listen", ARGUMENTS("--state", other, "--mode", "none", "--listen", "localhost"), pair[1]);
    assert_null(strstr(output, "chmod"));
    fails_with(2, "--listen", ARGUMENTS("--state", other, "--mode", "none", "--listen", "::1:80"), pair[1]);
    fails_with(111, "state directory", ARGUMENTS("--state", "/proc/nothing", "--mode", "none"), pair[1]);
    fails_with(111, "state directory", ARGUMENTS("--state", "/dev/null", "--mode", "none"), pair[1]);
    host_stop(&host);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", other);
    assert_int_equal(system(command), 0);
    close(pair[0]);
    close(pair[1]);
}

static void listens_on_both_internets(void **state)
{
    (void)state;
    struct host host;
    static const char *const flags[] = {"--listen", "[::1]:0", NULL};
    host_start(&host, flags);
    assert_int_equal(strncmp(host.address, "[::1]:", 6), 0);
    struct answer answer = admin(&host, "GET", "/v1/status", "");
    assert_non_null(strstr(answer.body, "\"127.0.0.1:"));
    assert_non_null(strstr(answer.body, host.address));
    answer_fini(&answer);
    host_stop(&host);
}

/* The admin socket is the owner's alone, and goes with the engine, also when the supervisor just vanishes. */
static void leaves_when_its_supervisor_is_gone(void **state)
{
    (void)state;
    struct host host;
    char path[128];
    struct stat st;
    int status;
    host_start(&host, NULL);
    snprintf(path, sizeof path, "%s/admin.sock", host.state);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close(host.supervisor);
    assert_int_equal(waitpid(host.engine, &status, 0), host.engine);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(stat(path, &st), -1);
    host_kill_launcher(&host);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", host.state);
    assert_int_equal(system(command), 0);
}

/* A socket that a killed engine left behind is no obstacle. */
static void replaces_a_stale_socket(void **state)
{
    (void)state;
    struct host host;
    host_start(&host, NULL);
    host_kill_engine(&host);
    host_kill_launcher(&host);
    host_start_engine(&host);
    host_start_launcher(&host);
    host_wait_ready(&host);
    struct answer answer = admin(&host, "GET", "/v1/functions", "");
    expect(answer, 200, "{\"functions\":[],\"total\":0}\n");
    host_stop(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_flag_that_is_wrong), cmocka_unit_test(names_what_is_in_the_way),
        cmocka_unit_test(listens_on_both_internets),    cmocka_unit_test(leaves_when_its_supervisor_is_gone),
        cmocka_unit_test(replaces_a_stale_socket),
    };
    return cmocka_run_group_tests_name("engine start", tests, NULL, NULL);
}
