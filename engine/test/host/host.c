/* The host of host.h. */
#include "engine/test/host/host.h"
#include "common/host/spawn.h"
#include "common/manifest/control.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

const char *host_folder = "host";

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void program_path(const char *name, char *path, size_t size)
{
    char self[512];
    const char *other = getenv("NW_TEST_HOST");
    if (other && *other && !strcmp(host_folder, "host")) {
        snprintf(path, size, "%s/%s", other, name);
        return;
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(path, size, "%s/%s/%s", self, host_folder, name);
}

static pid_t start(const char *program, const char *const *arguments, const int *fds, int n_fds)
{
    char path[600];
    const char *argv[64] = {program};
    const char *step = "";
    unsigned shortfalls;
    program_path(program, path, sizeof path);
    for (int i = 0; arguments && arguments[i]; i++)
        argv[i + 1] = arguments[i];
    pid_t pid = nw_spawn(&(struct nw_spawn){.path = path,
                                            .argv = (char *const *)argv,
                                            .envp = environ,
                                            .fds = fds,
                                            .n_fds = n_fds,
                                            .death_signal = SIGKILL},
                         &shortfalls, &step);
    if (pid < 0)
        fail_msg("cannot start %s: %s: %s", path, step, strerror(-pid));
    return pid;
}

static void pair_of(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

void host_start_engine(struct host *host)
{
    int pair[2];
    const char *arguments[40] = {"--state", host->state, "--log-level", "warn"};
    int n = 4;
    bool mode = false;
    const char *io = getenv("NW_TEST_IO"), *threads = getenv("NW_TEST_THREADS");
    for (int i = 0; host->flags[i]; i++) {
        mode |= !strcmp(host->flags[i], "--mode");
        arguments[n++] = host->flags[i];
    }
    if (!mode) {
        arguments[n++] = "--mode";
        arguments[n++] = "none";
    }
    if (io) {
        arguments[n++] = "--io";
        arguments[n++] = io;
    }
    if (threads) {
        arguments[n++] = "--engine-threads";
        arguments[n++] = threads;
    }
    arguments[n++] = "--listen";
    arguments[n++] = "127.0.0.1:0";
    pair_of(pair);
    setenv("MALLOC_PERTURB_", "85", 0); /* what is freed is overwritten, so that whoever still uses it is found out */
    host->engine = start("nightward-engine", arguments, &pair[1], 1);
    close(pair[1]);
    host->supervisor = pair[0];
}

void host_start_launcher(struct host *host)
{
    int lifeline[2], control[2];
    pair_of(lifeline);
    pair_of(control);
    if (host->launcher_room)
        assert_int_equal(setsockopt(control[0], SOL_SOCKET, SO_SNDBUF, &host->launcher_room, sizeof(int)), 0);
    host->launcher = start("nightward-launcher", NULL, (int[]){lifeline[1], control[1]}, 2);
    host->lifeline = lifeline[0];
    const struct nw_control head = {.kind = NW_CONTROL_LAUNCHER};
    assert_int_equal(nw_control_send(host->supervisor, &head, NULL, 0, &control[0], 1), 0);
    close(lifeline[1]);
    close(control[0]);
    close(control[1]);
}

static void wait_readable(int fd)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};
    if (poll(&poll_fd, 1, HOST_WAIT_MS) != 1)
        fail_msg("nothing came in %d ms", HOST_WAIT_MS);
}

void host_wait_ready(struct host *host)
{
    static struct nw_control_message message;
    do {
        wait_readable(host->supervisor);
        assert_int_equal(nw_control_recv(host->supervisor, &message), 1);
        for (int i = 0; i < message.n_fds; i++) /* its listening sockets */
            close(message.fds[i]);
    } while (message.head.kind == NW_CONTROL_SOCKETS);
    assert_int_equal(message.head.kind, NW_CONTROL_READY);
    *strchr(message.text, '\n') = '\0';
    snprintf(host->address, sizeof host->address, "%.60s", message.text);
}

void host_start(struct host *host, const char *const *flags)
{
    *host = (struct host){.state = "/tmp/nw-engine-test-XXXXXX"};
    for (int i = 0; flags && flags[i]; i++)
        host->flags[i] = flags[i];
    assert_non_null(mkdtemp(host->state));
    host_start_engine(host);
    host_start_launcher(host);
    host_wait_ready(host);
}

static int wait_for(pid_t pid)
{
    int status;
    for (long end = now_ms() + HOST_WAIT_MS; now_ms() < end; usleep(1000))
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    fail_msg("process %d did not end in %d ms", (int)pid, HOST_WAIT_MS);
    return -1;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void host_kill_engine(struct host *host)
{
    kill(host->engine, SIGKILL);
    wait_for(host->engine);
    close(host->supervisor);
}

void host_kill_launcher(struct host *host)
{
    kill(host->launcher, SIGKILL);
    wait_for(host->launcher);
    close(host->lifeline);
}

void host_stop(struct host *host)
{
    char path[128];
    kill(host->engine, SIGTERM);
    assert_int_equal(wait_for(host->engine), 0);
    snprintf(path, sizeof path, "%s/admin.sock", host->state);
    assert_int_equal(access(path, F_OK), -1);
    close(host->lifeline);
    wait_for(host->launcher);
    close(host->supervisor);
    nftw(host->state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

bool host_ended(const struct host *host)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)host->engine, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == host->engine;
}

void host_await_end(const struct host *host)
{
    for (long end = now_ms() + HOST_WAIT_MS; now_ms() < end; usleep(1000))
        if (host_ended(host))
            return;
    fail_msg("the engine does not end");
}

void host_discard(struct host *host)
{
    host_kill_engine(host);
    host_kill_launcher(host);
    nftw(host->state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void host_restart(struct host *host)
{
    host_kill_engine(host);
    close(host->lifeline);
    host_kill_launcher(host);
    host_start_engine(host);
    host_start_launcher(host);
    host_wait_ready(host);
}

int host_run_engine(const char *const *arguments, int fd3, char *output, size_t size)
{
    int pipe_fds[2], kept = dup(2);
    size_t length = 0;
    ssize_t n;
    assert_int_equal(pipe(pipe_fds), 0);
    dup2(pipe_fds[1], 2);
    close(pipe_fds[1]);
    pid_t pid = start("nightward-engine", arguments, &fd3, fd3 >= 0);
    dup2(kept, 2);
    close(kept);
    while (length < size - 1 && (n = read(pipe_fds[0], output + length, size - 1 - length)) > 0)
        length += (size_t)n;
    output[length] = '\0';
    close(pipe_fds[0]);
    int status = wait_for(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- HTTP --- */

/* A connection, or negative errno. */
static int try_connect(const struct host *host)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(host->address, ':') + 1));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int host_connect(const struct host *host)
{
    int fd = try_connect(host);
    if (fd < 0)
        fail_msg("cannot connect to %s: %s", host->address, strerror(-fd));
    return fd;
}

int host_connect_admin(const struct host *host)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/admin.sock", host->state);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void send_bytes(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length) {
        ssize_t n = send(fd, at, length, MSG_NOSIGNAL);
        if (n < 0)
            return;
        at += n;
        length -= (size_t)n;
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

static ssize_t read_some(int fd, void *buffer, size_t size)
{
    wait_readable(fd);
    ssize_t n = read(fd, buffer, size);
    return n < 0 && errno == ECONNRESET ? 0 : n;
}

bool is_closed(int fd)
{
    char byte;
    return read_some(fd, &byte, 1) == 0;
}

const char *header_of(const struct answer *answer, const char *name)
{
    static _Thread_local char value[512];
    size_t length = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) || line[2 + length] != ':')
            continue;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line + 4 + length, "\r"), line + 4 + length);
        return value;
    }
    return NULL;
}

/* Byte by byte, so that nothing of a next answer is taken. */
static bool read_head(int fd, struct answer *answer)
{
    size_t length = 0;
    while (length < sizeof answer->head - 1) {
        if (read_some(fd, answer->head + length, 1) != 1)
            return false;
        answer->head[++length] = '\0';
        if (length >= 4 && !memcmp(answer->head + length - 4, "\r\n\r\n", 4))
            return sscanf(answer->head, "HTTP/1.1 %d", &answer->status) == 1;
    }
    return false;
}

struct answer read_answer_to(int fd, bool to_head)
{
    struct answer answer = {0};
    if (!read_head(fd, &answer)) {
        answer.status = 0;
        return answer;
    }
    const char *length = header_of(&answer, "Content-Length");
    answer.length = length && !to_head ? strtoul(length, NULL, 10) : 0;
    answer.body = calloc(1, answer.length + 1);
    for (size_t at = 0; at < answer.length;) {
        ssize_t n = read_some(fd, answer.body + at, answer.length - at);
        if (n <= 0) {
            answer.status = 0;
            return answer;
        }
        at += (size_t)n;
    }
    return answer;
}

struct answer read_answer(int fd)
{
    return read_answer_to(fd, false);
}

void answer_fini(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

struct answer exchange(int fd, const char *method, const char *path, const void *body, size_t length)
{
    char head[2048];
    snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n", method, path, length);
    send_text(fd, head);
    send_bytes(fd, body, length);
    return read_answer_to(fd, !strcmp(method, "HEAD"));
}

static struct answer once(int fd, const char *method, const char *path, const char *body)
{
    struct answer answer = exchange(fd, method, path, body, strlen(body));
    close(fd);
    return answer;
}

struct answer invoke(const struct host *host, const char *name, const char *input)
{
    char path[256];
    snprintf(path, sizeof path, "/function/%s", name);
    return once(host_connect(host), "POST", path, input);
}

struct answer invoke_as_owner(const struct host *host, const char *name, const char *input)
{
    char path[256];
    snprintf(path, sizeof path, "/v1/invoke/%s", name);
    return admin(host, "POST", path, input);
}

struct answer admin(const struct host *host, const char *method, const char *path, const char *body)
{
    return once(host_connect_admin(host), method, path, body);
}

void deploy(const struct host *host, const char *name, const char *behaviour)
{
    char path[256];
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    struct answer answer = admin(host, "PUT", path, behaviour);
    if (answer.status != 200)
        fail_msg("deploying %s: %d %s", name, answer.status, answer.body ? answer.body : "");
    answer_fini(&answer);
}

void expect(struct answer answer, int status, const char *body)
{
    if (answer.status != status)
        fail_msg("status %d, not %d: %s", answer.status, status, answer.body ? answer.body : "");
    if (body)
        assert_string_equal(answer.body, body);
    answer_fini(&answer);
}

void expect_error(struct answer answer, int status, const char *code)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "{\"error\":{\"code\":\"%s\",", code);
    if (answer.status != status || strncmp(answer.body, wanted, strlen(wanted)))
        fail_msg("not %d %s: %d %s", status, code, answer.status, answer.body ? answer.body : "");
    assert_string_equal(header_of(&answer, "Content-Type"), "application/json");
    char id[128];
    snprintf(id, sizeof id, "\"request_id\":\"%s\"", header_of(&answer, "X-Request-Id"));
    assert_non_null(strstr(answer.body, id));
    answer_fini(&answer);
}

void host_await_unready(const struct host *host)
{
    struct answer answer = {0};
    for (long end = now_ms() + HOST_WAIT_MS; now_ms() < end && answer.status != 503; usleep(1000)) {
        answer_fini(&answer);
        answer = once(host_connect(host), "GET", "/readyz", "");
    }
    expect_error(answer, 503, "unavailable");
}

void eventually(const struct host *host, const char *name, const char *input, const char *output)
{
    struct answer answer = {0};
    for (long end = now_ms() + HOST_WAIT_MS; now_ms() < end; usleep(2000)) {
        answer_fini(&answer);
        answer = invoke(host, name, input);
        if (answer.status == 200 && !strcmp(answer.body, output)) {
            answer_fini(&answer);
            return;
        }
    }
    fail_msg("%s never answered %s; last: %d %s", name, output, answer.status, answer.body ? answer.body : "");
}

long status_number(const struct host *host, const char *key)
{
    char quoted[64];
    struct answer answer = admin(host, "GET", "/v1/status", "");
    assert_int_equal(answer.status, 200);
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(answer.body, quoted);
    assert_non_null(at);
    long number = strtol(at + strlen(quoted), NULL, 10);
    answer_fini(&answer);
    return number;
}

static void await_between(const struct host *host, const char *key, long low, long high)
{
    long number = 0;
    for (long end = now_ms() + HOST_WAIT_MS; now_ms() < end; usleep(1000)) {
        number = status_number(host, key);
        if (number >= low && number <= high)
            return;
    }
    fail_msg("%s is still %ld", key, number);
}

void await_at_least(const struct host *host, const char *key, long number)
{
    await_between(host, key, number, LONG_MAX);
}

void await_at_most(const struct host *host, const char *key, long number)
{
    await_between(host, key, 0, number);
}
