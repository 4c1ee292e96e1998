/* Tests of the launcher with a stand-in for the worker: starting, confining, reporting, leaving nothing behind. */
#include "common/test/test.h"

#include "common/control.h"
#include "launcher/launcher.h"
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
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000

struct host {
    pid_t launcher; /* 0 once reaped */
    int lifeline;
    int control;
    struct nw_control_message message;
};

static char worker_path[PATH_MAX];

/* ---- a launcher in a process of its own ---- */

static void run_launcher(const int lifeline[2], const int control[2], const char *path)
{
    struct nw_launcher *l;
    int rc;

    close(lifeline[0]);
    close(control[0]);
    l = nw_launcher_new(lifeline[1], control[1], path);
    rc = l ? nw_launcher_run(l) : 99;
    nw_launcher_free(l);
    _exit(rc);
}

static struct host *start_host(const char *path)
{
    struct host *h = calloc(1, sizeof *h);
    int lifeline[2], control[2];
    int smallest = 1; /* so that the launcher soon meets a full socket */

    assert_non_null(h);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, lifeline), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
    assert_int_equal(setsockopt(control[1], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), 0);
    h->launcher = fork();
    assert_true(h->launcher >= 0);
    if (h->launcher == 0)
        run_launcher(lifeline, control, path);
    close(lifeline[1]);
    close(control[1]);
    h->lifeline = lifeline[0];
    h->control = control[0];
    return h;
}

static int setup(void **state)
{
    *state = start_host(worker_path);
    return 0;
}

static void close_once(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The launcher's wait status. The bound is the alarm that main sets. */
static int wait_launcher(struct host *h)
{
    int status = -1;

    assert_int_equal(waitpid(h->launcher, &status, 0), h->launcher);
    h->launcher = 0;
    return status;
}

static int teardown(void **state)
{
    struct host *h = *state;

    close_once(&h->lifeline);
    close_once(&h->control);
    if (h->launcher > 0)
        wait_launcher(h);
    free(h);
    return 0;
}

/* ---- talking to it ---- */

static void await_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static void await_report(struct host *h, uint32_t kind, uint32_t worker)
{
    await_readable(h->control);
    assert_int_equal(nw_control_recv(h->control, &h->message), 1);
    assert_int_equal(h->message.head.kind, kind);
    assert_int_equal(h->message.head.worker, worker);
}

static struct nw_control start_message(uint32_t number)
{
    struct nw_control head = {
        .kind = NW_CONTROL_START,
        .worker = number,
        .mode = NW_MODE_MPK,
        .executors = 2,
        .geometry = {.ring_capacity = 64, .arena_size = 65536},
    };
    return head;
}

/* Sends START with four real fds; the engine's end of the worker's socket is returned. */
static int send_start(const struct host *h, const struct nw_control *head)
{
    int pair[2];
    int fds[4];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    fds[0] = pair[1];
    fds[1] = memfd_create("channel", MFD_CLOEXEC);
    fds[2] = eventfd(0, EFD_CLOEXEC);
    fds[3] = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(nw_control_send(h->control, head, "", 0, fds, 4), 0);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    return pair[0];
}

static int start_worker(struct host *h, uint32_t number, pid_t *pid)
{
    struct nw_control head = start_message(number);
    int socket = send_start(h, &head);

    await_report(h, NW_CONTROL_STARTED, number);
    *pid = (pid_t)h->message.head.value;
    assert_true(*pid > 0);
    return socket;
}

static const char *ask(int socket, const char *question)
{
    static char reply[8193];
    ssize_t n;

    assert_true(send(socket, question, strlen(question), MSG_NOSIGNAL) > 0);
    await_readable(socket);
    n = recv(socket, reply, sizeof reply - 1, 0);
    assert_true(n >= 0);
    reply[n] = '\0';
    return reply;
}

/* The worker's end of the socket closes only when its process is gone. */
static void await_death(int socket)
{
    char byte;
    ssize_t n;

    await_readable(socket);
    n = recv(socket, &byte, 1, 0);
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    close(socket);
}

/* ---- tests ---- */

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

    assert_true(send(socket, "raise 6", 7, MSG_NOSIGNAL) > 0);
    await_report(h, NW_CONTROL_EXITED, 1);
    assert_string_equal(h->message.text, "killed by signal 6 (Aborted)");
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
    /* Once more: the number means nobody now. */
    assert_int_equal(nw_control_send(h->control, &head, "", 0, NULL, 0), 0);
    assert_string_equal(ask(bystander, "thread"), "ok\n");
    close(victim);
    close(bystander);
}

static void test_command_line(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 3, &pid);

    assert_string_equal(ask(socket, "arguments"), "nightward-worker\n--mode\nmpk\n--executors\n2\n--ring-capacity\n64\n"
                                                  "--arena-size\n65536\n--worker\n3\n");
    assert_string_equal(ask(socket, "environment"), "GLIBC_TUNABLES=glibc.pthread.rseq=0\nLANG=C.UTF-8\nTZ=UTC\n");
    close(socket);
}

static void test_fds_are_exact(void **state)
{
    pid_t pid;
    char number[16];
    /* The second worker must not inherit anything of the first. */
    int first = start_worker(*state, 1, &pid);
    int second = start_worker(*state, 2, &pid);
    const char *list = ask(second, "fds");
    const char *line = list;

    for (int fd = 0; fd <= 6; fd++) {
        snprintf(number, sizeof number, "%d ", fd);
        assert_memory_equal(line, number, 2);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    assert_non_null(strstr(list, "0 /dev/null\n"));
    assert_non_null(strstr(list, "3 socket:"));
    assert_non_null(strstr(list, "4 /memfd:channel"));
    assert_non_null(strstr(list, "5 anon_inode:[eventfd]\n6 anon_inode:[eventfd]\n"));
    close(first);
    close(second);
}

static void test_confinement(void **state)
{
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);
    const char *status = ask(socket, "status");

    assert_non_null(strstr(status, "NoNewPrivs:\t1\n"));
    assert_non_null(strstr(status, "Seccomp:\t2\n"));
    assert_non_null(strstr(status, "CapPrm:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapEff:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapInh:\t0000000000000000\n"));
    assert_non_null(strstr(status, "CapAmb:\t0000000000000000\n"));
    if (geteuid() == 0)
        assert_non_null(strstr(status, "CapBnd:\t0000000000000000\n"));
    assert_non_null(strstr(status, "DeathSignal:\t9\n"));
    assert_non_null(strstr(status, "CoreLimit:\t0\n"));
    assert_non_null(strstr(status, "SigBlk:\t0000000000000000\n"));
    assert_non_null(strstr(status, "SigIgn:\t0000000000000000\n"));
    close(socket);
}

static void assert_call(int socket, long nr, long a0, int expected)
{
    char question[64], answer[16];

    snprintf(question, sizeof question, "call %ld %ld", nr, a0);
    snprintf(answer, sizeof answer, "%d\n", expected);
    assert_string_equal(ask(socket, question), answer);
}

static void test_filter(void **state)
{
    static const long refused[] = {
        SYS_ptrace,      SYS_process_vm_readv, SYS_mount,    SYS_bpf,        SYS_unshare,
        SYS_userfaultfd, SYS_io_uring_setup,   SYS_keyctl,   SYS_fork,       SYS_vfork,
        SYS_execveat,    SYS_personality,      SYS_vmsplice, SYS_pivot_root, SYS_perf_event_open};
    pid_t pid;
    int socket = start_worker(*state, 1, &pid);

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_call(socket, refused[i], 0, EPERM);
    assert_call(socket, SYS_execve, 0, EPERM);
    assert_call(socket, SYS_clone, SIGCHLD, EPERM);
    assert_call(socket, SYS_clone3, 0, ENOSYS);
    assert_call(socket, SYS_getppid, 0, 0);
    assert_string_equal(ask(socket, "thread"), "ok\n");
    close(socket);
}

static void test_foreign_architecture_kills(void **state)
{
    struct host *h = *state;
    pid_t pid;
    int socket = start_worker(h, 1, &pid);

    assert_true(send(socket, "int80", 5, MSG_NOSIGNAL) > 0);
    await_report(h, NW_CONTROL_EXITED, 1);
    assert_string_equal(h->message.text, "killed by signal 31 (Bad system call)");
    close(socket);
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

static void find_fake_worker(void)
{
    ssize_t n = readlink("/proc/self/exe", worker_path, sizeof worker_path - 32);

    if (n < 0)
        abort();
    worker_path[n] = '\0';
    strcpy(strrchr(worker_path, '/'), "/fake_worker");
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
        TEST(test_confinement),
        TEST(test_filter),
        TEST(test_foreign_architecture_kills),
        TEST(test_bad_starts_are_refused),
        TEST(test_start_without_fds_is_refused),
        TEST(test_number_used_twice),
        TEST(test_unknown_message),
        TEST(test_malformed_packet),
        cmocka_unit_test(test_missing_program),
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
