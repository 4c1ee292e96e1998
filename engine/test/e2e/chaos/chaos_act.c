/*
 * What the actors of the chaos test do. Those who expect answers count them: a request that was wholly sent on a
 * connection that its client keeps open gets exactly one answer, whatever happens to the function, its worker or the
 * launcher meanwhile; and an answer of 200 is the right one.
 */
#include "engine/test/e2e/chaos/chaos.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIPELINE_MOST 8
#define SIZE_MOST     20000
#define BATCHES_MOST  20 /* on one connection */
#define HELD_SIZE     (4 << 20)
#define COUNT(array)  (sizeof(array) / sizeof *(array))

/* --- helpers --- */

uint64_t chaos_random(struct actor *actor, uint64_t below)
{
    uint64_t z = (actor->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

void chaos_pause(const struct actor *actor, unsigned ms)
{
    for (unsigned done = 0; done < ms && !chaos_over(actor->chaos); done += 10)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static void add(struct chaos *chaos, long *counter, long n)
{
    pthread_mutex_lock(&chaos->lock);
    *counter += n;
    pthread_mutex_unlock(&chaos->lock);
}

static void count_answer(struct chaos *chaos, int status)
{
    if (status > 0 && status < CHAOS_STATUSES_MAX)
        add(chaos, &chaos->answers[status], 1);
}

static bool send_bytes(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t n = send(fd, data, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        length -= (size_t)n;
    }
    return true;
}

/* One request to the admin API. The status, or -1. */
static int admin(struct chaos *chaos, const char *method, const char *name, const char *query, const void *body,
                 size_t length)
{
    struct load_target target = {.unix_path = chaos->admin, .patience_s = chaos->gateway.patience_s};
    struct load_connection connection;
    struct load_response response;
    char head[512];
    int status = -1;
    int n = snprintf(head, sizeof head, "%s /v1/functions/%s?%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                     method, name, query, length);
    if (!load_connect(&connection, &target))
        return -1;
    if (send_bytes(connection.fd, head, (size_t)n) && send_bytes(connection.fd, body, length) &&
        load_receive(&connection, &response))
        status = response.status;
    load_close(&connection);
    return status;
}

int chaos_deploy(struct chaos *chaos, const char *name, const char *query, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC), status = -1;
    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "chaos: cannot read %s: %s\n", path, strerror(errno));
        return -1;
    }
    void *code = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (code == MAP_FAILED)
        return -1;
    status = admin(chaos, "PUT", name, query, code, (size_t)st.st_size);
    munmap(code, (size_t)st.st_size);
    return status;
}

int chaos_remove(struct chaos *chaos, const char *name)
{
    return admin(chaos, "DELETE", name, "", "", 0);
}

int chaos_call(struct chaos *chaos, const char *name, const char *input, char *output, size_t size)
{
    char path[128];
    struct load_target target = chaos->gateway;
    struct load_connection connection;
    struct load_response response;
    int status = -1;
    snprintf(path, sizeof path, "/function/%s", name);
    target.path = path;
    *output = '\0';
    if (!load_connect(&connection, &target))
        return -1;
    if (load_send(&connection, &target, input, strlen(input))) {
        add(chaos, &chaos->sent, 1);
        if (load_receive(&connection, &response)) {
            status = response.status;
            snprintf(output, size, "%.*s", (int)response.length, response.body);
            count_answer(chaos, status);
        } else {
            add(chaos, &chaos->lost, 1);
            fprintf(stderr, "chaos: %s \"%s\": no answer\n", name, input);
        }
    }
    load_close(&connection);
    return status;
}

/* --- load --- */

/* What it sends on one connection, and what must come back. */
struct batch {
    char *body[PIPELINE_MOST];
    char *expected[PIPELINE_MOST];
    int n;
};

/* Letters that are unlike any other. Returned memory is the caller's. */
static char *token(struct actor *actor)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = 16 + chaos_random(actor, chaos_random(actor, 4) ? 100 : SIZE_MOST);
    char *text = malloc(length + 1);
    if (!text)
        abort();
    for (size_t i = 0; i < length; i++)
        text[i] = letters[chaos_random(actor, sizeof letters - 1)];
    text[length] = '\0';
    return text;
}

static void batch_make(struct actor *actor, struct batch *batch, bool nested)
{
    batch->n = 1 + (int)chaos_random(actor, PIPELINE_MOST);
    for (int i = 0; i < batch->n; i++) {
        batch->body[i] = token(actor);
        if (asprintf(&batch->expected[i], nested ? "foo called bar: bar heard %s\n" : "%s", batch->body[i]) < 0)
            abort();
    }
}

static void batch_free(struct batch *batch)
{
    for (int i = 0; i < batch->n; i++) {
        free(batch->body[i]);
        free(batch->expected[i]);
    }
}

static void judge(struct chaos *chaos, const struct load_response *response, const char *expected)
{
    count_answer(chaos, response->status);
    if (response->status != 200 ||
        (response->length == strlen(expected) && !memcmp(response->body, expected, response->length)))
        return;
    add(chaos, &chaos->mixed, 1);
    fprintf(stderr, "chaos: an answer of %zu bytes is not the right one of %zu: %.80s\n", response->length,
            strlen(expected), response->body);
}

/* Nothing comes behind the last answer but the end. */
static void check_end(struct chaos *chaos, struct load_connection *connection)
{
    char byte;
    shutdown(connection->fd, SHUT_WR);
    if (connection->have == connection->consumed && recv(connection->fd, &byte, 1, 0) == 0)
        return;
    add(chaos, &chaos->extra, 1);
    fprintf(stderr, "chaos: something came behind the last answer, or the connection did not end\n");
}

/* False when the connection is of no more use. */
static bool exchange(struct actor *actor, struct load_connection *connection, const struct load_target *target,
                     const struct batch *batch)
{
    struct chaos *chaos = actor->chaos;
    struct load_response response;
    int sent = 0;
    while (sent < batch->n && load_send(connection, target, batch->body[sent], strlen(batch->body[sent])))
        sent++;
    add(chaos, &chaos->sent, sent);
    if (sent == batch->n && chaos_random(actor, 8) == 0) {
        add(chaos, &chaos->left, sent);
        return false;
    }
    for (int i = 0; i < sent; i++) {
        if (!load_receive(connection, &response)) {
            add(chaos, &chaos->lost, sent - i);
            fprintf(stderr, "chaos: %d of %d requests to %s got no answer\n", sent - i, sent, target->path);
            return false;
        }
        judge(chaos, &response, batch->expected[i]);
    }
    return sent == batch->n;
}

void *chaos_load(void *arg)
{
    struct actor *actor = arg;
    struct chaos *chaos = actor->chaos;
    struct load_connection connection;
    while (!chaos_over(chaos)) {
        struct load_target target = chaos->gateway;
        bool nested = chaos_random(actor, 3) == 0, useful = true;
        target.path = nested ? "/function/foo" : "/function/echo";
        target.chunked = chaos_random(actor, 4) == 0;
        if (!load_connect(&connection, &target)) {
            chaos_pause(actor, 50);
            continue;
        }
        for (uint64_t i = chaos_random(actor, BATCHES_MOST); i < BATCHES_MOST && useful && !chaos_over(chaos); i++) {
            struct batch batch;
            batch_make(actor, &batch, nested);
            useful = exchange(actor, &connection, &target, &batch);
            batch_free(&batch);
            chaos_pause(actor, (unsigned)chaos_random(actor, 20));
        }
        if (useful)
            check_end(chaos, &connection);
        load_close(&connection);
    }
    return NULL;
}

/* --- functions that misbehave --- */

void *chaos_fault(void *arg)
{
    static const char *const words[] = {
        "ok",         "return",   "segv",          "read 0x1000", "write 0x7fffffffe000",
        "overflow",   "abort",    "exit",          "badfree",     "loop",
        "sleep",      "deadlock", "oom",           "leak",        "fdleak",
        "threadleak", "pkey",     "syscall ptrace"};
    struct actor *actor = arg;
    char input[64], output[64];
    while (!chaos_over(actor->chaos)) {
        uint64_t word = chaos_random(actor, COUNT(words) + 1);
        snprintf(input, sizeof input, "syscall %d", (int)chaos_random(actor, 600));
        chaos_call(actor->chaos, "fault", word < COUNT(words) ? words[word] : input, output, sizeof output);
        chaos_pause(actor, (unsigned)chaos_random(actor, 40));
    }
    return NULL;
}

/* Attacks as worker/test/attack knows them. Each has up to three arguments, which some look at. */
static const struct {
    const char *function, *attack;
} attacks[] = {
    {"flow", "int80"},         {"flow", "sysenter"},
    {"flow", "compat"},        {"flow", "thread-rights"},
    {"flow", "threads"},       {"flow", "heap"},
    {"flow", "mappings"},      {"flow", "files"},
    {"flow", "stack"},         {"flow", "output"},
    {"flow", "recursion"},     {"flow", "ping"},
    {"flow", "fan-out"},       {"flow", "loop"},
    {"flow", "deaf-loop"},     {"flow", "sleep"},
    {"flow", "deadlock"},      {"flow", "blocked-read"},
    {"flow", "syscall-storm"}, {"memory", "map-whole"},
    {"memory", "join"},        {"memory", "join-hidden"},
    {"memory", "map-rwx"},     {"memory", "run-data"},
    {"memory", "map-twice"},   {"memory", "foreign-files"},
    {"memory", "dup-over"},    {"memory", "search"},
    {"memory", "open-memory"}, {"memory", "write-library"},
    {"memory", "read"},        {"memory", "write"},
    {"memory", "execute"},     {"memory", "call"},
    {"memory", "gate"},
};

/* A jump into the gate is for keys to hold; without them the process is what ends. */
void *chaos_attack(void *arg)
{
    static const char *const jumps[] = {"zero",          "own",        "known",     "stack",          "iret",
                                        "flags",         "fpu",        "trap-flag", "xrstor",         "pivot-fault",
                                        "pivot-syscall", "pivot-loop", "null-gs",   "null-gs-then 1", "sigreturn"};
    struct actor *actor = arg;
    char input[128], output[64];
    while (!chaos_over(actor->chaos)) {
        uint64_t which = chaos_random(actor, COUNT(attacks) + COUNT(jumps) / 2);
        bool jump = which >= COUNT(attacks);
        const char *name = jump ? "jumps" : attacks[which].function;
        snprintf(input, sizeof input, "%s %x %x %x",
                 jump ? jumps[chaos_random(actor, COUNT(jumps))] : attacks[which].attack,
                 (unsigned)chaos_random(actor, 600), (unsigned)chaos_random(actor, 1u << 31),
                 (unsigned)chaos_random(actor, 1u << 31));
        chaos_call(actor->chaos, name, input, output, sizeof output);
        chaos_pause(actor, (unsigned)chaos_random(actor, 60));
    }
    return NULL;
}

/* --- functions that take all they can get --- */

/* What it has is its domain's, which ends with it. */
void *chaos_greedy(void *arg)
{
    static const char *const words[] = {"mappings 11170", "refill 11170", "images 400", "map-code 1", "move 3 10",
                                        "crash 30",       "read 2 10",    "block 8",    "open",       "spin 1",
                                        "spin 4",         "wait 20",      "call 2"};
    struct actor *actor = arg;
    char output[64];
    while (!chaos_over(actor->chaos)) {
        const char *word = words[chaos_random(actor, COUNT(words))];
        int status = chaos_call(actor->chaos, "greedy", word, output, sizeof output);
        add(actor->chaos, &actor->chaos->greedy, status == 200);
        chaos_pause(actor, (unsigned)chaos_random(actor, 600));
        chaos_call(actor->chaos, "greedy", "crash 1", output, sizeof output);
        chaos_pause(actor, (unsigned)chaos_random(actor, 200));
    }
    return NULL;
}

/* --- operations --- */

static void count_deploy(struct chaos *chaos, int status)
{
    add(chaos, status == 200 ? &chaos->deploys : &chaos->refusals, 1);
    count_answer(chaos, status);
}

static void deploy_hostile(struct actor *actor)
{
    static const char *const files[] = {"forbidden-wrpkru",   "forbidden-wrpkru_seam_1",
                                        "forbidden-xrstor",   "forbidden-wrfsbase",
                                        "bad-constructor",    "bad-ifunc",
                                        "bad-textrel",        "bad-wx",
                                        "bad-stack",          "forbidden-wrpkru_last",
                                        "forbidden-wrgsbase", "bad-huge"};
    char path[512];
    snprintf(path, sizeof path, "%s/test/worker/attack/%s.so", actor->chaos->build,
             files[chaos_random(actor, COUNT(files))]);
    count_deploy(actor->chaos, chaos_deploy(actor->chaos, "hostile", "slots=1&timeout=500ms", path));
    if (chaos_random(actor, 2))
        chaos_remove(actor->chaos, "hostile");
}

/* Takes a second to load. */
static void deploy_slow(struct actor *actor)
{
    char path[512];
    snprintf(path, sizeof path, "%s/test/e2e/greedy/slow.so", actor->chaos->build);
    count_deploy(actor->chaos, chaos_deploy(actor->chaos, "hostile", "slots=1&env=SECONDS%3D1", path));
}

static void redeploy(struct actor *actor)
{
    static const char *const names[] = {"echo", "bar", "foo", "fault"};
    char path[512], query[64];
    const char *name = names[chaos_random(actor, COUNT(names))];
    snprintf(path, sizeof path, "%s/functions/%s/%s.so", actor->chaos->build, name, name);
    snprintf(query, sizeof query, "slots=%d&timeout=%dms&env=N%%3D%d", 1 + (int)chaos_random(actor, 8),
             200 + (int)chaos_random(actor, 300), (int)chaos_random(actor, 1000));
    count_deploy(actor->chaos, chaos_deploy(actor->chaos, name, query, path));
}

/* Gone for a moment, so that what is on its way to it has nowhere to go. */
static void come_and_go(struct actor *actor)
{
    char path[512], output[64];
    snprintf(path, sizeof path, "%s/functions/hello/hello.so", actor->chaos->build);
    count_deploy(actor->chaos, chaos_deploy(actor->chaos, "hello", "", path));
    chaos_call(actor->chaos, "hello", "chaos", output, sizeof output);
    add(actor->chaos, &actor->chaos->removals, chaos_remove(actor->chaos, "hello") == 200);
}

void *chaos_operate(void *arg)
{
    struct actor *actor = arg;
    while (!chaos_over(actor->chaos)) {
        switch (chaos_random(actor, 7)) {
        case 0:
            deploy_slow(actor);
            break;
        case 1:
        case 2:
            deploy_hostile(actor);
            break;
        case 3:
        case 4:
            redeploy(actor);
            break;
        default:
            come_and_go(actor);
        }
        chaos_pause(actor, (unsigned)chaos_random(actor, 500));
    }
    return NULL;
}

void *chaos_kill(void *arg)
{
    struct actor *actor = arg;
    struct chaos *chaos = actor->chaos;
    while (!chaos_over(chaos)) {
        chaos_pause(actor, 500 + (unsigned)chaos_random(actor, 4000));
        struct chaos_view view = chaos_look(chaos);
        if (chaos_over(chaos) || !view.n_workers)
            continue;
        pid_t worker = view.workers[chaos_random(actor, (uint64_t)view.n_workers)];
        pid_t launcher = worker > 0 ? chaos_parent(worker) : -1;
        /* Nobody but a worker of this host: its grandparent is `nightward up`. */
        if (launcher <= 1 || chaos_parent(launcher) != chaos->host)
            continue;
        bool all = chaos_random(actor, 6) == 0;
        if (kill(all ? launcher : worker, SIGKILL) == 0)
            add(chaos, all ? &chaos->launchers_killed : &chaos->workers_killed, 1);
    }
    return NULL;
}

/* --- clients that do not keep to the rules --- */

static const char *const nuisances[] = {
    "GET /function/echo HTTP/1.1\r\n\r\n",
    "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "POST /function/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
    "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc",
    "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc",
    "POST /function/echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
    "POST /function/../../etc/passwd HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\r\n folded\r\n\r\n",
    "GET /healthz HTTP/1.1\nHost: a\n\n",
    "\x16\x03\x01\x02\x01\x01\xfc\x03\x03",
    "HEAD /function/echo HTTP/1.1\r\nHost: a\r\n\r\nHEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
};

static void annoy(struct actor *actor, int fd)
{
    char text[512], answer[4096];
    int n = snprintf(text, sizeof text, "%s", nuisances[chaos_random(actor, COUNT(nuisances))]);
    for (uint64_t changes = chaos_random(actor, 3); changes > 0; changes--)
        text[chaos_random(actor, (uint64_t)n)] = (char)chaos_random(actor, 256);
    if (chaos_random(actor, 3) == 0)
        n = (int)chaos_random(actor, (uint64_t)n);
    send_bytes(fd, text, (size_t)n);
    if (chaos_random(actor, 2))
        shutdown(fd, SHUT_WR);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (chaos_random(actor, 8) && poll(&ready, 1, 50) > 0 && recv(fd, answer, sizeof answer, 0) > 0)
        ;
}

/* Reads nothing of a large answer, or stops before the end of a large request, and stays for a while. */
static void hold(struct actor *actor, int fd)
{
    static const char zeros[HELD_SIZE];
    char head[128];
    int n =
        snprintf(head, sizeof head, "POST /function/echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", HELD_SIZE);
    send_bytes(fd, head, (size_t)n);
    send_bytes(fd, zeros, HELD_SIZE - chaos_random(actor, 2));
    chaos_pause(actor, (unsigned)chaos_random(actor, 2000));
}

void *chaos_annoy(void *arg)
{
    struct actor *actor = arg;
    struct chaos *chaos = actor->chaos;
    struct load_connection connection;
    while (!chaos_over(chaos)) {
        struct load_target target = chaos->gateway;
        target.patience_s = 1;
        if (load_connect(&connection, &target)) {
            if (chaos_random(actor, 20))
                annoy(actor, connection.fd);
            else
                hold(actor, connection.fd);
            load_close(&connection);
            add(chaos, &chaos->nuisances, 1);
        }
        chaos_pause(actor, (unsigned)chaos_random(actor, 30));
    }
    return NULL;
}
