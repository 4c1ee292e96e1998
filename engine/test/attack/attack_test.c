/*
 * The attacks that reach the engine: through a worker's rings (row 26 of the threats), over HTTP (28) and through the
 * admin API (30). Each runs while a neighbour is served, and the engine must serve afterwards. Adds to the table of
 * attacks; what the tests of the engine look at more closely, they look at there.
 */
#include "common/test/attack/attack_report.h"
#include "engine/test/attack/attack_loads.h"
#include "engine/test/attack/attack_theft.h"
#include "engine/test/attack/greed.h"
#include <errno.h>
#include <poll.h>
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

#define RING           16
#define PIPELINED      10000
#define NOBODY         65534
#define PATIENCE_MS    1000 /* for an answer that may never come */
#define MODE           "engine"
#define FROM           "POST /function/echo HTTP/1.1\r\nHost: a\r\n"
#define SO_DOES_LLHTTP "without this check llhttp refuses it"
#define LAST           "the engine is the last to parse: there is nobody behind it to be fooled"

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

static const char *const flags[] = {"--mode", "process",        "--ring", "16", "--header-timeout",
                                    "300ms",  "--body-timeout", "300ms",  NULL};

/* A host of which the engine leaves a check out. */
static struct host host_without_of(const char *check, const char *const *its_flags)
{
    struct host without;

    host_folder = "host-without";
    setenv("NW_WITHOUT", check, 1);
    host_start(&without, its_flags);
    unsetenv("NW_WITHOUT");
    host_folder = "host";
    deploy(&without, "echo", "echo");
    return without;
}

static struct host host_without(const char *check)
{
    return host_without_of(check, flags);
}

/* Sends one request, on a connection of its own: the status of the answer, or what became of the engine. */
static void ask_without(const struct host *without, int fd, const char *text, char *seen, size_t size)
{
    struct pollfd poll_fd = {fd, POLLIN, 0};
    struct answer answer = {0};

    snprintf(seen, size, "no answer");
    send_text(fd, text);
    if (poll(&poll_fd, 1, PATIENCE_MS) == 1) {
        answer = read_answer(fd);
        snprintf(seen, size, "%d", answer.status);
    }
    close(fd);
    answer_fini(&answer);
    for (int i = 0; i < 1000 && !strcmp(seen, "0"); i++) {
        if (host_ended(without))
            snprintf(seen, size, "engine ended");
        usleep(1000);
    }
}

static void describe_text_without(const char *check, const char *text, bool to_admin, char *seen, size_t size)
{
    struct host without = host_without(check);

    ask_without(&without, to_admin ? host_connect_admin(&without) : host_connect(&without), text, seen, size);
    host_discard(&without);
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
    const char *without, *then; /* a check to leave out and what must be seen then, or NULL and why not */
};

/* What becomes of the worker that sends nonsense, and of the engine. */
static void describe_nonsense_without(const struct nonsense *n, char *seen, size_t size)
{
    struct host without = host_without(n->without);
    char behaviour[64];

    snprintf(behaviour, sizeof(behaviour), "hostile %s", n->kind);
    deploy(&without, "evil", behaviour);
    ask_without(&without, host_connect(&without),
                "POST /function/evil HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", seen, size);
    if (!host_ended(&without))
        strncat(seen, status_number(&without, "workers_lost") ? ", worker replaced" : ", worker kept",
                size - strlen(seen) - 1);
    host_discard(&without);
}

static void breaks_the_rings(void **state)
{
    const struct nonsense *n = *state;
    struct attack_line *line = line_of(26, n->name, "worker replaced", n->without ? NULL : n->then);
    struct neighbour neighbour = {0};
    long lost = status_number(&host, "workers_lost");
    char behaviour[64], seen[ATTACK_SEEN];

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
    if (!n->without)
        return;
    attack_report_will_leave_out(line, n->without);
    describe_nonsense_without(n, seen, sizeof(seen));
    attack_report_left_out(line, n->then, seen);
}

/* ---- HTTP ---- */

struct request {
    const char *name, *expected, *text;
    const char *without, *then; /* a check to leave out, if any, and what must be seen then */
};

static void leave_out(struct attack_line *line, const struct request *r, const char *text, bool to_admin)
{
    char seen[ATTACK_SEEN];

    if (!r->without)
        return;
    attack_report_will_leave_out(line, r->without);
    describe_text_without(r->without, text, to_admin, seen, sizeof(seen));
    attack_report_left_out(line, r->then, seen);
}

static void sends_hostile_http(void **state)
{
    const struct request *r = *state;
    struct attack_line *line = line_of(28, r->name, r->expected, r->without ? NULL : r->then);
    int fd = host_connect(&host);
    struct answer answer;
    char seen[32];

    send_text(fd, r->text);
    answer = read_answer(fd);
    snprintf(seen, sizeof(seen), "%d", answer.status);
    answer_fini(&answer);
    close(fd);
    judge(line, seen);
    leave_out(line, r, r->text, false);
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
static int speak_as_nobody(const struct host *to_host)
{
    static const char text[] = "GET /v1/functions HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char answer[16] = "";
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(to.sun_path, sizeof(to.sun_path), "%s/admin.sock", to_host->state);
    if (chmod(to_host->state, 0755) < 0 || chmod(to.sun_path, 0666) < 0 || setuid(NOBODY) < 0)
        return 3;
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 || send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
        return 1;
    return read(fd, answer, sizeof(answer) - 1) > 0 && strncmp(answer, "HTTP/1.1 200", 12) == 0 ? 0 : 2;
}

static const char *ask_as_nobody(const struct host *to)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(speak_as_nobody(to));
    assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
    assert_int_equal(chmod(to->state, 0700), 0);
    return WEXITSTATUS(status) == 0 ? "answered" : WEXITSTATUS(status) == 3 ? "not tried" : "refused";
}

static void asks_as_another_user(void **state)
{
    struct attack_line *line =
        attack_report_begin(MODE, 30, "another user, through the admin socket opened for all", "refused");
    struct host without;

    (void)state;
    if (getuid() != 0) {
        attack_report_skip(line, "only root can be somebody else");
        print_message("only root can be somebody else\n");
        skip();
    }
    judge(line, ask_as_nobody(&host));
    attack_report_will_leave_out(line, "user");
    without = host_without("user");
    attack_report_left_out(line, "answered", ask_as_nobody(&without));
    host_discard(&without);
}

static void asks_the_gateway_for_it(void **state)
{
    const struct request *r = *state;
    struct attack_line *line = line_of(30, r->name, r->expected, r->then);
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
    struct attack_line *line = line_of(30, r->name, r->expected, r->without ? NULL : r->then);
    struct answer answer = admin(&host, "PUT", r->text, "echo");
    char seen[32], text[512];

    snprintf(seen, sizeof(seen), "%d", answer.status);
    answer_fini(&answer);
    judge(line, seen);
    snprintf(text, sizeof(text), "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\necho", r->text);
    leave_out(line, r, text, true);
}

#define NO_INVOCATION "there is no such invocation that could end"
#define NOBODY_THERE  "there is nobody who would do anything with it"

static const struct nonsense nonsense[] = {
    {"bad-id", "completes what it never got", NULL, NO_INVOCATION},
    {"old-id", "completes with the id of an older one", NULL, NO_INVOCATION},
    {"twice", "completes twice", NULL, NO_INVOCATION},
    {"bad-offset", "an output behind its arena", "payload", "engine ended|200, worker kept"},
    {"bad-length", "an output whose end wraps", NULL, "it is larger than any output may be"},
    {"bad-kind", "a descriptor of no kind", NULL, NOBODY_THERE},
    {"engines-kind", "a descriptor that only the engine sends", NULL, NOBODY_THERE},
    {"bad-status", "a status that there is not", "status", "500, worker kept"},
    {"bad-name", "a name longer than its payload", NULL, "what is left of it is larger than any input may be"},
    {"bad-call", "a nested call whose input is nowhere", NULL, "see the output behind its arena"},
    {"bad-depth", "a nested call of a depth that there is not", NULL, "the worker of the callee looks at it, too"},
    {"release-input", "releases what it is still working on", "block", "engine ended"},
    {"bad-tail", "an index of its ring that runs ahead", NULL, "each slot that it reaches is judged by itself"},
    {"release-nothing", "releases what it does not have", "block", "engine ended"},
    {"bad-head", "an index of the engine's ring that runs backwards", "index", "200, worker kept"},
    {"hello-again", "says hello twice", NULL, NOBODY_THERE},
    {"no-such-deployment", "speaks of a function that it does not have", NULL, NOBODY_THERE},
    {"bad-message", "a message that is none", NULL, NOBODY_THERE},
};

static const struct request requests[] = {
    {"two lengths", "400", FROM "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", NULL,
     "llhttp knows no way to take them"},
    {"a length and chunks", "400", FROM "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "length",
     "200"},
    {"lines that end in LF", "400", "POST /function/echo HTTP/1.1\nHost: a\nContent-Length: 0\n\n", NULL,
     SO_DOES_LLHTTP},
    {"a header that ends in LF", "400", FROM "A: b\nContent-Length: 0\r\n\r\n", NULL, SO_DOES_LLHTTP},
    {"a header that goes on in the next line", "400", FROM "A: b\r\n c\r\n\r\n", "fold", "200"},
    {"a space before the colon", "400", FROM "Content-Length : 3\r\n\r\nabc", NULL, LAST},
    {"a length below zero", "400", FROM "Content-Length: -1\r\n\r\n", NULL, LAST},
    {"a length with a sign", "400", FROM "Content-Length: +3\r\n\r\nabc", NULL, LAST},
    {"a length of 2^64", "400|413", FROM "Content-Length: 18446744073709551616\r\n\r\n", NULL, LAST},
    {"a body larger than may be", "413", FROM "Content-Length: 1099511627776\r\n\r\n", NULL, LAST},
    {"a coding that there is not", "400|501", FROM "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", NULL, LAST},
    {"a chunk without a size", "400", FROM "Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n", NULL, LAST},
    {"a chunk of 2^68 bytes", "400", FROM "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", NULL, LAST},
    {"a chunk that is longer than it says", "400", FROM "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
     NULL, LAST},
    {"chunks in HTTP/1.0", "400", "POST /function/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", NULL,
     LAST},
    {"two hosts", "400", FROM "Host: b\r\n\r\n", NULL, LAST},
    {"no host", "400", "POST /function/echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n", NULL, LAST},
    {"another protocol", "400", "\x16\x03\x01\x02\x01\x01\r\n\r\n", NULL, LAST},
    {"a path that leads elsewhere", "40?", "GET /function/../v1/functions HTTP/1.1\r\nHost: a\r\n\r\n", NULL, LAST},
    {"a tunnel", "405", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", NULL, LAST},
};

static const struct request gateway[] = {
    {"the admin API over TCP", "404", "GET /v1/functions HTTP/1.1\r\nHost: a\r\n\r\n", NULL,
     "the gateway has no such route"},
    {"deploy over TCP", "40?", "PUT /v1/functions/evil HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\necho", NULL,
     "the gateway has no such route"},
    {"remove over TCP", "40?", "DELETE /v1/functions/echo HTTP/1.1\r\nHost: a\r\n\r\n", NULL,
     "the gateway has no such route"},
};

static const struct request names[] = {
    {"a name that leads upwards", "40?", "/v1/functions/../../evil", "name", "200"},
    {"a name that leads upwards, encoded", "400|404", "/v1/functions/..%2f..%2fevil", "name", "200"},
    {"a name with a slash", "400|404", "/v1/functions/a/b", "name", "200"},
    {"a name of nothing", "400|404|405", "/v1/functions/", "name", "200"},
    {"a name with a NUL", "400|404", "/v1/functions/a%00b", "name", "200"},
    {"a name that is too long", "400",
     "/v1/functions/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "name", "no answer|engine ended"},
};

/* ---- clients that take and do not give ---- */

static const struct greedy {
    const char *name;
    void (*hold)(struct greed *greed, const struct host *host);
} greedy[] = {
    {"bodies that stop one byte before their end", greed_fill_inputs},
    {"answers that nobody reads", greed_fill_outputs},
};

/* Small arenas, and no timeout that comes to the neighbour's help. */
static const char *const greedy_flags[] = {
    "--arena", "16M", "--body-limit", "8M", "--body-timeout", "1m", "--write-timeout", "1m", "--drain-timeout",
    "100ms",   NULL};

/* A neighbour's request that needs room, beside them. */
static void describe_beside(const struct greedy *g, const struct host *of, char *seen, size_t size)
{
    deploy(of, "big", "big 4194304");
    struct greed greed;
    char text[1024 + 128];
    int n = snprintf(text, sizeof(text), "%sContent-Length: 1024\r\n\r\n", FROM);

    memset(text + n, 'x', 1024);
    text[n + 1024] = '\0';
    g->hold(&greed, of);
    ask_without(of, host_connect(of), text, seen, size);
    greed_end(&greed);
}

static void is_greedy(void **state)
{
    const struct greedy *g = *state;
    struct attack_line *line = line_of(36, g->name, "200", NULL);
    char seen[ATTACK_SEEN];
    struct host own;

    host_start(&own, greedy_flags);
    deploy(&own, "echo", "echo");
    describe_beside(g, &own, seen, sizeof(seen));
    host_discard(&own);
    judge(line, seen);
    attack_report_will_leave_out(line, "share");
    own = host_without_of("share", greedy_flags);
    describe_beside(g, &own, seen, sizeof(seen));
    attack_report_left_out(line, "no answer", seen);
    host_discard(&own);
}

static int set_up(void **state)
{
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
    add("completes what another worker has", nw_attack_completes_for_another, NULL);
    add("has read what another worker is reading", nw_attack_reads_for_another, NULL);
    ADD_ALL(requests, sends_hostile_http);
    add("headers without end", sends_huge_headers, NULL);
    add("10,000 requests at once", pipelines, NULL);
    add("a client that goes away after every byte", disconnects, NULL);
    add("a slow client", is_slow, NULL);
    ADD_ALL(greedy, is_greedy);
    add("loads without end", attack_by_loading, NULL);
    ADD_ALL(gateway, asks_the_gateway_for_it);
    ADD_ALL(names, uses_a_hostile_name);
    add("another user", asks_as_another_user, NULL);
    failed = _cmocka_run_group_tests("attacks on the engine", tests, n_tests, set_up, tear_down);
    snprintf(path, sizeof(path), "%s/attacks-engine.txt", build ? build : "build");
    attack_report_write(path);
    return failed != 0;
}
