/*
 * The attacks that reach the engine: through a worker's rings (row 26 of the threats), over HTTP (28) and through the
 * admin API (30). Each runs while a neighbour is served, and the engine must serve afterwards. Adds to the table of
 * attacks; what the tests of the engine look at more closely, they look at there.
 */
#include "common/test/attack_report.h"
#include "engine/test/host.h"
#include <errno.h>
#include <pthread.h>
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

#define RING      16
#define PIPELINED 10000
#define NOBODY    65534
#define MODE      "engine"
#define FROM      "POST /function/echo HTTP/1.1\r\nHost: a\r\n"
#define LAST      "the engine is the last to parse: there is nobody behind it to be fooled"
#define UNREACHED "it would be the engine's own memory that is read or written"

static struct host host;

static struct attack_line *line_of(int row, const char *name, const char *expected, const char *why_not)
{
    struct attack_line *line = attack_report_begin(MODE, row, name, expected);

    attack_report_not_left_out(line, why_not);
    return line;
}

/* The neighbour answers as ever; what an attack did comes first. */
static void judge(struct attack_line *line, const char *seen)
{
    expect(invoke(&host, "echo", "neighbour"), 200, "neighbour");
    attack_report_seen(line, seen);
}

/* ---- the rings ---- */

struct neighbour {
    pthread_t thread;
    bool stop;
    unsigned errors;
};

static void *call_neighbour(void *arg)
{
    struct neighbour *neighbour = arg;
    int fd = host_connect(&host);

    do {
        struct answer answer = exchange(fd, "POST", "/function/echo", "neighbour", 9);

        neighbour->errors += answer.status != 200 || strcmp(answer.body, "neighbour") != 0;
        answer_fini(&answer);
    } while (!__atomic_load_n(&neighbour->stop, __ATOMIC_RELAXED));
    close(fd);
    return NULL;
}

struct nonsense {
    const char *kind, *name;
};

static void breaks_the_rings(void **state)
{
    const struct nonsense *n = *state;
    struct attack_line *line = line_of(26, n->name, "worker replaced", UNREACHED);
    struct neighbour neighbour = {0};
    long lost = status_number(&host, "workers_lost");
    char behaviour[64];

    snprintf(behaviour, sizeof(behaviour), "hostile %s", n->kind);
    deploy(&host, "evil", behaviour);
    assert_int_equal(pthread_create(&neighbour.thread, NULL, call_neighbour, &neighbour), 0);
    /* Some only hurt when the engine's ring to the worker has gone round. */
    for (int i = 0; i < 4 * RING && status_number(&host, "workers_lost") == lost; i++) {
        struct answer answer = invoke(&host, "evil", "boo");

        answer_fini(&answer);
    }
    await_at_least(&host, "workers_lost", lost + 1);
    __atomic_store_n(&neighbour.stop, true, __ATOMIC_RELAXED);
    pthread_join(neighbour.thread, NULL);
    assert_int_equal(neighbour.errors, 0);
    judge(line, "worker replaced");
}

/* A worker ends what another one is working on, whose id is easily guessed: what its client got. */
static void steal_an_answer(char *seen, size_t size)
{
    struct host fresh;
    static const char *const flags[] = {"--mode", "process", NULL};
    struct answer answer;
    int fd;

    host_start(&fresh, flags);
    deploy(&fresh, "victim", "slow 300");
    deploy(&fresh, "thief", "hostile neighbours-id");
    fd = host_connect(&fresh);
    send_text(fd, "POST /function/victim HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nmine");
    await_at_least(&fresh, "in_flight", 1);
    answer = invoke(&fresh, "thief", "");
    answer_fini(&answer);
    answer = read_answer(fd);
    snprintf(seen, size, "%d \"%s\"", answer.status, answer.body ? answer.body : "");
    answer_fini(&answer);
    close(fd);
    host_stop(&fresh);
}

static void completes_for_another(void **state)
{
    struct attack_line *line = attack_report_begin(MODE, 26, "completes what another worker has", "200 \"mine\"");
    char seen[ATTACK_SEEN];

    (void)state;
    steal_an_answer(seen, sizeof(seen));
    attack_report_seen(line, seen);
    attack_report_will_leave_out(line, "who has it");
    host_folder = "host-without";
    steal_an_answer(seen, sizeof(seen));
    host_folder = "host";
    attack_report_left_out(line, "200 \"\"", seen);
}

/* ---- HTTP ---- */

struct request {
    const char *name, *expected, *text;
};

static void sends_hostile_http(void **state)
{
    const struct request *r = *state;
    struct attack_line *line = line_of(28, r->name, r->expected, LAST);
    int fd = host_connect(&host);
    struct answer answer;
    char seen[32];

    send_text(fd, r->text);
    answer = read_answer(fd);
    snprintf(seen, sizeof(seen), "%d", answer.status);
    answer_fini(&answer);
    close(fd);
    judge(line, seen);
}

static void sends_huge_headers(void **state)
{
    struct attack_line *line = line_of(28, "headers without end", "431", "the buffer has a fixed size");
    int fd = host_connect(&host);
    struct answer answer;
    char header[1024], seen[32];

    (void)state;
    memset(header, 'x', sizeof(header));
    memcpy(header, "A: ", 3);
    memcpy(header + sizeof(header) - 2, "\r\n", 2);
    send_text(fd, FROM);
    for (int i = 0; i < 64; i++)
        send_bytes(fd, header, sizeof(header));
    answer = read_answer(fd);
    snprintf(seen, sizeof(seen), "%d", answer.status);
    answer_fini(&answer);
    close(fd);
    judge(line, seen);
}

static void *send_pipelined(void *fd)
{
    for (int i = 0; i < PIPELINED; i++)
        send_text(*(int *)fd, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    return NULL;
}

static void pipelines(void **state)
{
    struct attack_line *line = line_of(28, "10,000 requests at once", "10000 answers", "there is nothing to leave out");
    int fd = host_connect(&host), good = 0;
    pthread_t thread;
    char seen[32];

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, send_pipelined, &fd), 0);
    for (int i = 0; i < PIPELINED; i++) {
        struct answer answer = read_answer(fd);

        good += answer.status == 200;
        answer_fini(&answer);
    }
    pthread_join(thread, NULL);
    close(fd);
    snprintf(seen, sizeof(seen), "%d answers", good);
    judge(line, seen);
}

static void disconnects(void **state)
{
    static const char text[] = FROM "Content-Length: 5\r\n\r\nhello";
    struct attack_line *line = line_of(28, "a client that goes away after every byte", "nothing left", LAST);

    (void)state;
    for (size_t length = 1; length < sizeof(text); length++) {
        int fd = host_connect(&host);

        send_bytes(fd, text, length);
        close(fd);
    }
    await_at_most(&host, "in_flight", 0);
    judge(line, "nothing left");
}

static void is_slow(void **state)
{
    struct attack_line *line = line_of(28, "a client that never ends its headers, or its body", "408 408",
                                       "without it the connection would stay for ever, which is how one tells");
    int head = host_connect(&host), body = host_connect(&host);
    struct answer first, second;
    char seen[32];

    (void)state;
    send_text(head, "GET /healthz HTTP/1.1\r\nHo");
    send_text(body, FROM "Content-Length: 10\r\n\r\nabc");
    first = read_answer(head);
    second = read_answer(body);
    snprintf(seen, sizeof(seen), "%d %d", first.status, second.status);
    answer_fini(&first);
    answer_fini(&second);
    close(head);
    close(body);
    judge(line, seen);
}

/* ---- the admin API ---- */

/* The state directory is made open for this, so that nothing but the engine's own look at its caller is in the way. */
static int speak_as_nobody(void)
{
    static const char text[] = "GET /v1/functions HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char answer[16] = "";
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s/admin.sock", host.state);
    if (chmod(host.state, 0755) < 0 || chmod(to.sun_path, 0666) < 0 || setuid(NOBODY) < 0)
        return 3;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 || send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
        return 1;
    return read(fd, answer, sizeof(answer) - 1) > 0 && strncmp(answer, "HTTP/1.1 200", 12) == 0 ? 0 : 2;
}

static void asks_as_another_user(void **state)
{
    struct attack_line *line =
        line_of(30, "another user, through the admin socket opened for all", "refused", "see the mode of the socket");
    pid_t child;
    int status;

    (void)state;
    if (getuid() != 0) {
        attack_report_skip(line, "only root can be somebody else");
        print_message("only root can be somebody else\n");
        skip();
    }
    child = fork();
    if (child == 0)
        _exit(speak_as_nobody());
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_int_equal(chmod(host.state, 0700), 0);
    judge(line, WEXITSTATUS(status) == 0 ? "answered" : WEXITSTATUS(status) == 3 ? "not tried" : "refused");
}

static void asks_the_gateway_for_it(void **state)
{
    const struct request *r = *state;
    struct attack_line *line = line_of(30, r->name, r->expected, "the gateway has no such route");
    int fd = host_connect(&host);
    struct answer answer;
    char seen[32];

    send_text(fd, r->text);
    answer = read_answer(fd);
    snprintf(seen, sizeof(seen), "%d", answer.status);
    answer_fini(&answer);
    close(fd);
    judge(line, seen);
}

static void uses_a_hostile_name(void **state)
{
    const struct request *r = *state; /* `text`: the path */
    struct attack_line *line =
        line_of(30, r->name, r->expected, "names are never paths: versions are stored by digest");
    struct answer answer = admin(&host, "PUT", r->text, "echo");
    char seen[32];

    snprintf(seen, sizeof(seen), "%d", answer.status);
    answer_fini(&answer);
    judge(line, seen);
}

static const struct nonsense nonsense[] = {
    {"bad-id", "completes what it never got"},
    {"old-id", "completes with the id of an older one"},
    {"twice", "completes twice"},
    {"bad-offset", "an output behind its arena"},
    {"bad-length", "an output whose end wraps"},
    {"bad-kind", "a descriptor of no kind"},
    {"engines-kind", "a descriptor that only the engine sends"},
    {"bad-status", "a status that there is not"},
    {"bad-name", "a name longer than its payload"},
    {"bad-call", "a nested call whose input is nowhere"},
    {"bad-depth", "a nested call of a depth that there is not"},
    {"release-input", "releases what it is still working on"},
    {"bad-tail", "an index of its ring that runs ahead"},
    {"release-nothing", "releases what it does not have"},
    {"bad-head", "an index of the engine's ring that runs backwards"},
    {"hello-again", "says hello twice"},
    {"no-such-deployment", "speaks of a function that it does not have"},
    {"bad-message", "a message that is none"},
};

static const struct request requests[] = {
    {"two lengths", "400", FROM "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"},
    {"a length and chunks", "400", FROM "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"lines that end in LF", "400", "POST /function/echo HTTP/1.1\nHost: a\nContent-Length: 0\n\n"},
    {"a header that goes on in the next line", "400", FROM "A: b\r\n c\r\n\r\n"},
    {"a space before the colon", "400", FROM "Content-Length : 3\r\n\r\nabc"},
    {"a length below zero", "400", FROM "Content-Length: -1\r\n\r\n"},
    {"a length with a sign", "400", FROM "Content-Length: +3\r\n\r\nabc"},
    {"a length of 2^64", "400|413", FROM "Content-Length: 18446744073709551616\r\n\r\n"},
    {"a body larger than may be", "413", FROM "Content-Length: 1099511627776\r\n\r\n"},
    {"a coding that there is not", "400|501", FROM "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {"a chunk without a size", "400", FROM "Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n"},
    {"a chunk of 2^68 bytes", "400", FROM "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"},
    {"a chunk that is longer than it says", "400", FROM "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"},
    {"chunks in HTTP/1.0", "400", "POST /function/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"two hosts", "400", FROM "Host: b\r\n\r\n"},
    {"no host", "400", "POST /function/echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n"},
    {"another protocol", "400", "\x16\x03\x01\x02\x01\x01\r\n\r\n"},
    {"a path that leads elsewhere", "40?", "GET /function/../v1/functions HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"a tunnel", "405", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"},
};

static const struct request gateway[] = {
    {"the admin API over TCP", "404", "GET /v1/functions HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"deploy over TCP", "40?", "PUT /v1/functions/evil HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\necho"},
    {"remove over TCP", "40?", "DELETE /v1/functions/echo HTTP/1.1\r\nHost: a\r\n\r\n"},
};

static const struct request names[] = {
    {"a name that leads upwards", "40?", "/v1/functions/../../evil"},
    {"a name that leads upwards, encoded", "400|404", "/v1/functions/..%2f..%2fevil"},
    {"a name with a slash", "400|404", "/v1/functions/a/b"},
    {"a name of nothing", "400|404|405", "/v1/functions/"},
    {"a name with a NUL", "400|404", "/v1/functions/a%00b"},
    {"a name that is too long", "400",
     "/v1/functions/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
};

static int set_up(void **state)
{
    static const char *const flags[] = {"--mode", "process",        "--ring", "16", "--header-timeout",
                                        "300ms",  "--body-timeout", "300ms",  NULL};

    (void)state;
    host_start(&host, flags);
    deploy(&host, "echo", "echo");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static struct CMUnitTest tests[128];
static size_t n_tests;

static void add(const char *name, CMUnitTestFunction run, const void *state)
{
    assert_true(n_tests < sizeof(tests) / sizeof(tests[0]));
    tests[n_tests++] = (struct CMUnitTest){name, run, NULL, NULL, (void *)(uintptr_t)state};
}

#define ADD_ALL(table, run)                                       \
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) \
    add(table[i].name, run, &table[i])

int main(void)
{
    char path[512];
    const char *build = getenv("NW_BUILD");
    int failed;

    ADD_ALL(nonsense, breaks_the_rings);
    add("completes what another worker has", completes_for_another, NULL);
    ADD_ALL(requests, sends_hostile_http);
    add("headers without end", sends_huge_headers, NULL);
    add("10,000 requests at once", pipelines, NULL);
    add("a client that goes away after every byte", disconnects, NULL);
    add("a slow client", is_slow, NULL);
    ADD_ALL(gateway, asks_the_gateway_for_it);
    ADD_ALL(names, uses_a_hostile_name);
    add("another user", asks_as_another_user, NULL);
    failed = _cmocka_run_group_tests("attacks on the engine", tests, n_tests, set_up, tear_down);
    snprintf(path, sizeof(path), "%s/attacks-engine.txt", build ? build : "build");
    attack_report_write(path);
    return failed != 0;
}
