/* A state directory that is damaged or taken away under a whole host. */
#include "common/base/clock.h"
#include "engine/test/host/host.h"
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static const char *const process_flags[] = {"--mode", "process", NULL};
static const char *const *flags;
static struct host host;

static int set_up(void **state)
{
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

/* Runs a command of the shell in the state directory. */
static void in_state(const char *command)
{
    char text[512];
    snprintf(text, sizeof text, "cd %s && %s", host.state, command);
    assert_int_equal(system(text), 0);
}

static void change_code_of(const char *behaviour)
{
    char command[256];
    snprintf(command, sizeof command, "f=$(grep -l '%s' store/*.so) && chmod 600 $f && printf 'say wrong' > $f",
             behaviour);
    in_state(command);
}

static void expect_in_admin(const char *path, const char *text)
{
    struct answer answer = admin(&host, "GET", path, "");
    if (!strstr(answer.body, text))
        fail_msg("\"%s\" is not in %s: %s", text, path, answer.body);
    expect(answer, 200, NULL);
}

/* Until /readyz says so, for a bounded time. */
static void await_readiness(int status)
{
    for (int i = 0; i < HOST_WAIT_MS; i += 10) {
        int fd = host_connect(&host);
        struct answer answer = exchange(fd, "GET", "/readyz", "", 0);
        int is = answer.status;
        answer_fini(&answer);
        close(fd);
        if (is == status)
            return;
        usleep(10000);
    }
    fail_msg("/readyz never says %d", status);
}

/* What was read is served on, also by new workers; after a restart it is refused, until the good file comes back: that
 * of one function is that of all that share it. */
static void serves_no_code_that_was_changed(void **state)
{
    (void)state;
    deploy(&host, "sound", "say sound");
    deploy(&host, "one", "say shared");
    deploy(&host, "other", "say shared");
    change_code_of("say shared");
    host_kill_launcher(&host);
    await_at_least(&host, "workers_lost", 1);
    host_start_launcher(&host);
    eventually(&host, "one", "", "shared");

    host_restart(&host);
    expect(invoke(&host, "sound", ""), 200, "sound");
    expect_error(invoke(&host, "one", ""), 503, "unavailable");
    expect_error(invoke(&host, "other", ""), 503, "unavailable");
    expect_in_admin("/v1/functions/one", "deploy the same file again");
    expect_in_admin("/v1/functions", ".so.damaged");
    expect_in_admin("/v1/status", "\"about\":\"other\"");
    in_state("grep -q 'say wrong' store/*.so.damaged");

    deploy(&host, "one", "say shared");
    expect(invoke(&host, "one", ""), 200, "shared");
    eventually(&host, "other", "", "shared");
    host_restart(&host);
    expect(invoke(&host, "one", ""), 200, "shared");
    expect(invoke(&host, "other", ""), 200, "shared");
}

static void says_what_became_of_the_registry(void **state)
{
    (void)state;
    deploy(&host, "kept", "say kept");
    host_kill_engine(&host);
    close(host.lifeline);
    host_kill_launcher(&host);
    in_state("printf nonsense > registry");
    host_start_engine(&host);
    host_start_launcher(&host);
    host_wait_ready(&host);
    expect(invoke(&host, "kept", ""), 200, "kept");
    expect_in_admin("/v1/status", "last good copy");
}

static void *until_closed(void *fd)
{
    char byte;
    (void)!read(*(int *)fd, &byte, 1);
    _exit(0);
}

/* Has the lock, and has ended but for a thread, which stays until the other end of the pipe is closed. */
static void be_ending(int fd)
{
    char path[512];
    pthread_t thread;
    snprintf(path, sizeof path, "%s/lock", host.state);
    int lock = open(path, O_RDWR | O_CLOEXEC);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0 || ftruncate(lock, 0) < 0 || dprintf(lock, "%d\n", (int)getpid()) < 0 ||
        pthread_create(&thread, NULL, until_closed, &fd) != 0)
        _exit(1);
    syscall(SYS_exit, 0); /* of this thread alone */
}

static void await_command(const char *format, pid_t pid)
{
    char command[256];
    const uint64_t end = nw_clock_ns() + HOST_WAIT_MS * 1000000ull;
    snprintf(command, sizeof command, format, (int)pid);
    while (system(command) != 0)
        assert_true(nw_clock_ns() < end);
}

static void waits_for_an_engine_that_ends(void **state)
{
    int ends[2];
    (void)state;
    host_kill_engine(&host);
    close(host.lifeline);
    host_kill_launcher(&host);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t ending = fork();
    if (ending == 0) {
        close(ends[1]);
        be_ending(ends[0]);
    }
    await_command("grep -q '^State:.Z' /proc/%d/status", ending);
    host_start_engine(&host);
    await_command("ls -l /proc/%d/fd | grep -q '/lock$'", host.engine);
    close(ends[1]);
    assert_int_equal(waitpid(ending, NULL, 0), ending);
    close(ends[0]);
    host_start_launcher(&host);
    host_wait_ready(&host);
}

static void expect_refusal(int fd)
{
    struct answer answer = exchange(fd, "PUT", "/v1/functions/late", "say late", 8);
    assert_non_null(strstr(answer.body, "deleted or moved"));
    expect_error(answer, 503, "unavailable");
    expect_error(exchange(fd, "DELETE", "/v1/functions/kept", "", 0), 503, "unavailable");
}

/* Moved away as a whole, or in part, and put back. */
static void notices_that_its_state_is_moved(void **state)
{
    (void)state;
    static const char *const parts[] = {"/store", "/registry", ""};
    char away[200], back[200];
    deploy(&host, "kept", "say kept");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int fd = host_connect_admin(&host);
        snprintf(away, sizeof away, "mv %s%s %s.away", host.state, parts[i], host.state);
        snprintf(back, sizeof back, "mv %s.away %s%s", host.state, host.state, parts[i]);
        assert_int_equal(system(away), 0);
        await_readiness(503);
        expect_refusal(fd);
        expect(invoke(&host, "kept", ""), 200, "kept");
        assert_int_equal(system(back), 0);
        await_readiness(200);
        expect(exchange(fd, "PUT", "/v1/functions/late", "say late", 8), 200, NULL);
        expect(exchange(fd, "DELETE", "/v1/functions/late", "", 0), 200, NULL);
        close(fd);
    }
}

/* Without a lock a second host could start there, so that alone is enough. What runs goes on, workers too. */
static void goes_on_when_its_state_is_deleted(const char *command)
{
    deploy(&host, "kept", "say kept");
    int fd = host_connect_admin(&host);
    in_state(command);
    expect_refusal(fd);
    await_readiness(503);
    host_kill_launcher(&host);
    host_start_launcher(&host);
    eventually(&host, "kept", "", "kept");
    expect_refusal(fd);
    close(fd);
}

static void notices_that_its_lock_is_deleted(void **state)
{
    (void)state;
    goes_on_when_its_state_is_deleted("rm lock");
}

static void notices_that_its_state_is_deleted(void **state)
{
    (void)state;
    goes_on_when_its_state_is_deleted("rm -r ../${PWD##*/}");
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    ALONE(serves_no_code_that_was_changed),   ALONE(says_what_became_of_the_registry),
    ALONE(notices_that_its_state_is_moved),   ALONE(notices_that_its_lock_is_deleted),
    ALONE(notices_that_its_state_is_deleted), ALONE(waits_for_an_engine_that_ends),
};

static int in_processes(void **state)
{
    flags = process_flags;
    (void)state;
    return 0;
}

int main(void)
{
    int failed = cmocka_run_group_tests_name("engine state, shared workers", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("engine state, a process each", tests, in_processes, NULL);
}
