/* Tests of the launcher with a stand-in for the worker: starting, confining, reporting, leaving nothing behind. */
#include "common/test/test.h"

#include "common/host/spawn.h"
#include "launcher/test/host.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_exit_is_reported(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int socket = start_worker(h, 7, &pid);

    assert_true(send(socket, "exit 111", 8, MSG_NOSIGNAL) > 0);
    await_report(h, NW_CONTROL_EXITED, 7);
    assert_true(WIFEXITED((int)h->message.head.value));
    assert_int_equal(WEXITSTATUS((int)h->message.head.value), 111);
    assert_string_equal(h->message.text, "exit status 111");
    close(socket);
}

static void test_crash_is_reported(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int socket = start_worker(h, 1, &pid);

    assert_true(send(socket, "crash", 5, MSG_NOSIGNAL) > 0);
    await_report(h, NW_CONTROL_EXITED, 1);
    assert_string_equal(h->message.text, "killed by signal 11 (Segmentation fault)");
    close(socket);
}

static void test_kill(void **state)
{
    struct host *h = *state;
    struct nw_control head = {.kind = NW_CONTROL_KILL, .worker = 1};
    pid_t pid, other;
    int victim = start_worker(h, 1, &pid);
    int bystander = start_worker(h, 2, &other);

    assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
    await_report(h, NW_CONTROL_EXITED, 1);
    assert_string_equal(h->message.text, "killed by signal 9 (Killed)");
    assert_int_equal(kill(pid, 0), -1);
    assert_string_equal(ask(bystander, "thread"), "ok\n");
    /* Once more: no process has this number any more. */
    assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
    assert_string_equal(ask(bystander, "thread"), "ok\n");
    close(victim);
    close(bystander);
}

static unsigned long long number_in(const char *path)
{
    unsigned long long n = 0;
    FILE *from = fopen(path, "r");

    assert_non_null(from);
    assert_int_equal(fscanf(from, "%llu", &n), 1);
    fclose(from);
    return n;
}

/* The bounds of the kernel are told, for a worker does not see them. */
static void test_command_line(void **state)
{
    char wanted[512];
    pid_t pid;
    int socket = start_worker(*state, 3, &pid);

    snprintf(wanted, sizeof wanted,
             "nightward-worker\n--mode\nmpk\n--policy\nlevels\n--executors\n2\n--ring-capacity\n64\n--arena-"
             "size\n65536\n--worker\n3\n"
             "--mappings\n%llu\n--watches\n%llu\n",
             number_in("/proc/sys/vm/max_map_count"), number_in("/proc/sys/fs/epoll/max_user_watches"));
    assert_string_equal(ask(socket, "arguments"), wanted);
    assert_string_equal(ask(socket, "environment"),
                        "GLIBC_TUNABLES=glibc.pthread.rseq=0\nLANG=C.UTF-8\nTZ=UTC\nNIGHTWARD_LOG_FORMAT=text\n");
    close(socket);
}

static int count_fds(pid_t pid)
{
    char path[64];
    DIR *dir;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void assert_fd(pid_t pid, int fd, const char *part)
{
    char path[64], target[256] = "";

    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    assert_true(readlink(path, target, sizeof target - 1) > 0);
    if (!strstr(target, part))
        fail_msg("fd %d is %s, not %s", fd, target, part);
}

static void test_fds_are_exact(void **state)
{
    static const char *const expected[] = {
        "null", "", "", "socket:", "/memfd:channel", "anon_inode:[eventfd]", "anon_inode:[eventfd]"};
    pid_t pid;
    /* The second worker must not inherit anything of the first. */
    int first = start_worker(*state, 1, &pid);
    int second = start_worker(*state, 2, &pid);

    assert_string_equal(ask(second, "thread"), "ok\n"); /* it runs, and its loader has closed what it opened */
    for (int fd = 0; fd <= 6; fd++)
        assert_fd(pid, fd, expected[fd]);
    assert_int_equal(count_fds(pid), 7 + 2); /* with . and .. */
    close(first);
    close(second);
}

static void refuse_start(struct host *h, const struct nw_control *head, const char *reason)
{
    int socket = send_start(h, head);

    await_report(h, NW_CONTROL_EXITED, head->worker);
    assert_int_equal(h->message.head.value, -EINVAL);
    assert_non_null(strstr(h->message.text, reason));
    close(socket);
}

static void test_bad_starts_are_refused(void **state)
{
    struct nw_control head = start_message(1);

    head.mode = NW_MODE_AUTO;
    refuse_start(*state, &head, "mode");
    head.mode = NW_MODE_COUNT;
    refuse_start(*state, &head, "mode");
    head = start_message(2);
    head.executors = 0;
    refuse_start(*state, &head, "executors");
    head.executors = 257;
    refuse_start(*state, &head, "executors");
    head = start_message(3);
    head.geometry.ring_capacity = 63;
    refuse_start(*state, &head, "ring");
    head = start_message(4);
    head.geometry.arena_size = 4097;
    refuse_start(*state, &head, "arena");
    head.geometry.arena_size = UINT64_MAX - 4095;
    refuse_start(*state, &head, "arena");
}

static void test_start_without_fds_is_refused(void **state)
{
    struct host *h = *state;
    struct nw_control head = start_message(5);

    assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
    await_report(h, NW_CONTROL_EXITED, 5);
    assert_int_equal(h->message.head.value, -EINVAL);
}

static void assert_broken_engine_ends_it(struct host *h, int worker)
{
    int status = wait_launcher(h);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 111);
    await_death(worker);
}

static void test_number_used_twice(void **state)
{
    pid_t pid;
    int worker = start_worker(*state, 1, &pid);
    struct nw_control head = start_message(1);

    close(send_start(*state, &head));
    assert_broken_engine_ends_it(*state, worker);
}

static void test_unknown_message(void **state)
{
    struct host *h = *state;
    struct nw_control head = {.kind = NW_CONTROL_LOAD};
    pid_t pid;
    int worker = start_worker(h, 1, &pid);

    assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
    assert_broken_engine_ends_it(h, worker);
}

static void test_malformed_packet(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int worker = start_worker(h, 1, &pid);

    assert_int_equal(send(h->control, "short", 5, MSG_NOSIGNAL), 5);
    assert_broken_engine_ends_it(h, worker);
}

static void test_missing_program(void **state)
{
    struct host *h = start_host("/nonexistent/nightward-worker");
    struct nw_control head = start_message(1);
    void *own = h;

    (void)state;
    close(send_start(h, &head));
    await_report(h, NW_CONTROL_EXITED, 1);
    assert_int_equal(h->message.head.value, -ENOENT);
    assert_string_equal(h->message.text, "cannot start /nonexistent/nightward-worker: cannot execute it: "
                                         "No such file or directory");
    teardown(&own);
}

static void assert_clean_end(struct host *h, int worker)
{
    int status = wait_launcher(h);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    await_death(worker);
}

static void test_engine_ends(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int worker = start_worker(h, 1, &pid);

    close_once(&h->control);
    assert_clean_end(h, worker);
    assert_int_equal(kill(pid, 0), -1);
}

static void test_supervisor_ends(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int worker = start_worker(h, 1, &pid);

    close_once(&h->lifeline);
    assert_clean_end(h, worker);
    assert_int_equal(kill(pid, 0), -1);
}

static void test_term_ends_it(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int worker = start_worker(h, 1, &pid);

    assert_int_equal(kill(h->launcher, SIGTERM), 0);
    assert_clean_end(h, worker);
}

static void test_killed_launcher_takes_workers_along(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int first = start_worker(h, 1, &pid);
    int second = start_worker(h, 2, &pid);

    assert_int_equal(kill(h->launcher, SIGKILL), 0);
    assert_true(WIFSIGNALED(wait_launcher(h)));
    await_death(first);
    await_death(second);
}

static void test_no_fd_leaks(void **state)
{
    struct host *h = *state;
    int before = 0;

    for (uint32_t i = 1; i <= 20; i++) {
        struct nw_control bad = start_message(1000 + i);
        pid_t pid;
        int socket = start_worker(h, i, &pid);

        assert_true(send(socket, "exit 0", 6, MSG_NOSIGNAL) > 0);
        await_report(h, NW_CONTROL_EXITED, i);
        close(socket);
        bad.executors = 0;
        refuse_start(h, &bad, "executors");
        if (i == 1)
            before = count_fds(h->launcher);
    }
    assert_int_equal(count_fds(h->launcher), before);
}

/* An engine that does not read for a while loses no report, and they come in order. */
static void test_reports_wait_for_room(void **state)
{
    enum { REPORTS = 500 };
    struct host *h = *state;

    for (uint32_t i = 1; i <= REPORTS; i++) {
        struct nw_control head = start_message(i);
        head.executors = 0;
        assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
    }
    for (uint32_t i = 1; i <= REPORTS; i++)
        await_report(h, NW_CONTROL_EXITED, i);
}

static void test_a_closed_process(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        nw_process_close();
        _exit(prctl(PR_GET_DUMPABLE));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exit_is_reported),
        TEST(test_crash_is_reported),
        TEST(test_kill),
        TEST(test_command_line),
        TEST(test_fds_are_exact),
        TEST(test_bad_starts_are_refused),
        TEST(test_start_without_fds_is_refused),
        TEST(test_number_used_twice),
        TEST(test_unknown_message),
        TEST(test_malformed_packet),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_a_closed_process),
        TEST(test_engine_ends),
        TEST(test_supervisor_ends),
        TEST(test_term_ends_it),
        TEST(test_killed_launcher_takes_workers_along),
        TEST(test_no_fd_leaks),
        TEST(test_reports_wait_for_room),
    };

    find_fake_worker();
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
