/* Attacks on what functions share (rows 33 and 34), and what a neighbour does meanwhile that needs its share. */
#include "worker/base/ops.h"
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_PIECE  (16ul << 20)
#define READ_PIECES 64
#define STACK       (64ul << 10)

/* As many threads as arg[1] says. */
static unsigned start(struct attacker *a, void *(*run)(void *), void *argument)
{
    pthread_attr_t attr;
    pthread_t thread;
    unsigned n = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    while (n < a->arg[1] && pthread_create(&thread, &attr, run, argument) == 0)
        n++;
    return n;
}

/* ---- attacks ---- */

static int ends[2];

static void *read_for_ever(void *unused)
{
    char byte;

    while (read(ends[0], &byte, 1) < 0)
        continue;
    return unused;
}

static const char *try_block(struct attacker *a)
{
    if (pipe(ends) < 0)
        return attack_outcome(a, -1);
    return attack_say(a, "%u threads", start(a, read_for_ever, NULL));
}

static const char *try_fill(struct attacker *a)
{
    unsigned n = 0;
    int pair[2];

    while (pipe(pair) == 0)
        n += 2;
    while (dup(pair[0]) >= 0)
        n++;
    return attack_say(a, "%u files", n);
}

/* A file of the directory that it was granted. */
static int open_data(const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", getenv("DATA"), name);
    return open(path, O_RDONLY);
}

/* A GiB in one call, all of it into the same memory: it is the time that is attacked. */
static void *read_much(void *to)
{
    struct iovec pieces[READ_PIECES];
    int file = open_data("sparse");

    for (int i = 0; i < READ_PIECES; i++)
        pieces[i] = (struct iovec){to, READ_PIECE};
    while (file >= 0 && preadv(file, pieces, READ_PIECES, 0) >= 0)
        continue;
    return to;
}

static const char *try_read_much(struct attacker *a)
{
    void *to = mmap(NULL, READ_PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return to == MAP_FAILED ? attack_outcome(a, -1) : attack_say(a, "%u threads", start(a, read_much, to));
}

/* Becomes a func worker that nobody asked for. */
static void *wait_in_gate(void *unused)
{
    char inbox[256];

    for (;;)
        attack_gate_call(NW_OP_WAIT, (uint64_t)inbox, sizeof inbox, 0, 0);
    return unused;
}

static const char *try_wait(struct attacker *a)
{
    unsigned n = 0;

    a->arg[1] = 32;
    for (int i = 0; i < 12; i++) { /* each time those before have come to wait */
        n += start(a, wait_in_gate, NULL);
        usleep(20000);
    }
    return attack_say(a, "%u threads", n);
}

static const char *try_callers(struct attacker *a)
{
    static const char input[] = "sleep 0";
    unsigned n = 0;

    for (int i = 0; i < 4; i++) {
        const char *output;
        size_t length;

        n += a->invoke(a->context, "neighbour", input, sizeof input - 1, &output, &length) == 0;
    }
    return attack_say(a, "%u calls", n);
}

/* ---- what a neighbour does ---- */

static const char *try_sleep(struct attacker *a)
{
    (void)a;
    usleep(100000);
    return "slept";
}

/* So many MiB of its own memory. */
static const char *try_map(struct attacker *a)
{
    size_t length = a->arg[1] << 20;
    void *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return attack_outcome(a, -1);
    memset(p, 1, length);
    munmap(p, length);
    return "mapped";
}

/* A pipe, and a read that may block. */
static const char *try_pipe(struct attacker *a)
{
    char byte = 0;
    int pair[2];
    long n;

    if (pipe(pair) < 0)
        return attack_outcome(a, -1);
    n = write(pair[1], "x", 1) == 1 ? read(pair[0], &byte, 1) : -1;
    close(pair[0]);
    close(pair[1]);
    return n == 1 ? "read" : attack_outcome(a, n);
}

static atomic_uint begun, done;

static void *read_once(void *unused)
{
    char byte;

    atomic_fetch_add(&begun, 1);
    if (read(ends[0], &byte, 1) == 1)
        atomic_fetch_add(&done, 1);
    return unused;
}

/* More reads than may block, and a wait with an end among them: each comes to its turn once there is something. */
static const char *try_turns(struct attacker *a)
{
    struct pollfd never = {.events = POLLIN};
    unsigned n, ready = 0;
    int other[2];

    if (pipe(ends) < 0 || pipe(other) < 0)
        return attack_outcome(a, -1);
    n = start(a, read_once, NULL);
    while (atomic_load(&begun) < n)
        sched_yield();
    never.fd = other[0];
    for (int i = 0; i < 3; i++)
        ready += poll(&never, 1, 20) != 0;
    for (unsigned i = 0; i < n; i++)
        if (write(ends[1], "x", 1) != 1)
            return attack_outcome(a, -1);
    while (atomic_load(&done) < n)
        sched_yield();
    return attack_say(a, "%u of %u read, %u polls wrong", atomic_load(&done), n, ready);
}

/* All of a file in one call; of the file's end, too, it must tell the truth. */
static const char *try_read_whole(struct attacker *a)
{
    int file = open_data("whole");
    size_t size = 5ul << 20;
    unsigned char *to = malloc(size);
    struct iovec pieces[2] = {{to, size / 2}, {to + size / 2, size - size / 2}};
    long n = read(file, to, size), wrong = 0, more;

    for (long i = 0; i < n; i++)
        wrong += to[i] != (unsigned char)(i / 4096 * 31 + 1);
    memset(to, 0, size);
    more = preadv(file, pieces, 2, 4096);
    for (long i = 0; i < more; i++)
        wrong += to[i] != (unsigned char)((i / 4096 + 1) * 31 + 1);
    close(file);
    free(to);
    return attack_say(a, "%ld and %ld bytes, %ld wrong", n, more, wrong);
}

const struct attack attacks[] = {
    {"block", try_block},
    {"fill", try_fill},
    {"read-much", try_read_much},
    {"pipe", try_pipe},
    {"turns", try_turns},
    {"read-whole", try_read_whole},
    {"wait", try_wait},
    {"callers", try_callers},
    {"sleep", try_sleep},
    {"map", try_map},
    {0},
};
