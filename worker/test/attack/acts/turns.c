/* Threads that never end, of which each would keep a key for ever (row 35 of the threats), and one that waits in the
 * kernel with the rights of a key that has become somebody else's (row 29). */
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static int outcome_of_read;
static ssize_t bytes_read;
static pthread_t reader;

static void *spin(void *argument)
{
    (void)argument;
    for (volatile unsigned n = 0;; n++)
        continue;
    return NULL;
}

static void *read_into(void *to)
{
    bytes_read = read(ends[0], to, sizeof(uint64_t));
    outcome_of_read = errno;
    return NULL;
}

static const char *run_spin(struct attacker *a)
{
    pthread_t thread;

    return attack_say(a, "%d", pthread_create(&thread, NULL, spin, NULL));
}

/* An invocation of so many ms. */
static const char *run_busy(struct attacker *a)
{
    struct timespec now, begun;
    uint64_t ms;

    clock_gettime(CLOCK_MONOTONIC, &begun);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
        ms = (uint64_t)((now.tv_sec - begun.tv_sec) * 1000 + (now.tv_nsec - begun.tv_nsec) / 1000000);
    } while (ms < a->arg[1]);
    return "done";
}

static const char *start_read(struct attacker *a, void *to)
{
    if (pipe(ends) < 0)
        return attack_outcome(a, -1);
    return attack_say(a, "%d", pthread_create(&reader, NULL, read_into, to));
}

static const char *run_block(struct attacker *a)
{
    static uint64_t word;

    return start_read(a, &word);
}

static const char *run_late_read(struct attacker *a)
{
    return start_read(a, (void *)a->arg[0]);
}

/* What became of the read that was waiting, now that the pipe has something. */
static const char *run_late_write(struct attacker *a)
{
    static const uint64_t word;

    if (write(ends[1], &word, sizeof(word)) != sizeof(word))
        return attack_outcome(a, -1);
    pthread_join(reader, NULL);
    errno = outcome_of_read;
    return attack_outcome(a, bytes_read);
}

const struct attack attacks[] = {
    {"spin", run_spin},
    {"busy", run_busy},
    {"block", run_block},
    {"late-read", run_late_read},
    {"late-write", run_late_write},
    {NULL, NULL},
};
