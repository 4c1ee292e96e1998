/* The launcher of host.h. */
#include "common/test/test.h"

#include "launcher/launcher.h"
#include "launcher/test/host.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 10000

static char worker_path[PATH_MAX];

/* ---- a launcher in a process of its own ---- */

static const struct nw_users users = {HOST_FIRST_USER, HOST_LAST_USER};

static void run_launcher(const int lifeline[2], const int control[2], const char *path)
{
    struct nw_launcher *l;
    int rc;

    close(lifeline[0]);
    close(control[0]);
    l = nw__launcher_new(lifeline[1], control[1], path, &users);
    rc = l ? nw__launcher_run(l) : 99;
    nw__launcher_free(l);
    _exit(rc);
}

struct host *start_host(const char *path)
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

int setup(void **state)
{
    *state = start_host(worker_path);
    return 0;
}

void close_once(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The launcher's wait status. The bound is the alarm that main sets. */
int wait_launcher(struct host *h)
{
    int status = -1;

    assert_int_equal(waitpid(h->launcher, &status, 0), h->launcher);
    h->launcher = 0;
    return status;
}

int teardown(void **state)
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

void await_report(struct host *h, uint32_t kind, uint32_t worker)
{
    await_readable(h->control);
    assert_int_equal(nw_control_recv(h->control, &h->message), 1);
    assert_int_equal(h->message.head.kind, kind);
    assert_int_equal(h->message.head.worker, worker);
}

struct nw_control start_message(uint32_t number)
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
int send_start(const struct host *h, const struct nw_control *head)
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

int start_worker(struct host *h, uint32_t number, pid_t *pid)
{
    struct nw_control head = start_message(number);
    int socket = send_start(h, &head);

    await_report(h, NW_CONTROL_STARTED, number);
    *pid = (pid_t)h->message.head.value;
    assert_true(*pid > 0);
    return socket;
}

const char *ask(int socket, const char *question)
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
void await_death(int socket)
{
    char byte;
    ssize_t n;

    await_readable(socket);
    n = recv(socket, &byte, 1, 0);
    assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
    close(socket);
}

void find_fake_worker(void)
{
    ssize_t n = readlink("/proc/self/exe", worker_path, sizeof worker_path - 32);

    if (n < 0)
        abort();
    worker_path[n] = '\0';
    strcpy(strrchr(worker_path, '/'), "/fake_worker");
}
