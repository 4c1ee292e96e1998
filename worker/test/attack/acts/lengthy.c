/* Calls that keep the kernel, or the monitor, busy for long. Files lie in the directory where the function begins. */
#include "worker/test/attack/attack.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define MIB      (1ul << 20)
#define FILE_MIB 128
#define PAYLOAD  (16 * MIB)
#define RANDOM   (4 * MIB)

static const char *try_random(struct attacker *a)
{
    void *memory = mmap(NULL, RANDOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long n = memory == MAP_FAILED ? -1 : getrandom(memory, RANDOM, 0);

    if (memory != MAP_FAILED)
        munmap(memory, RANDOM);
    return attack_outcome(a, n);
}

/* ---- what a large file had is given back: "large" is made anew for each ---- */

static const char *try_unlink(struct attacker *a)
{
    return attack_outcome(a, unlink("large"));
}

static const char *try_rename(struct attacker *a)
{
    int fd = open("small", O_RDWR | O_CREAT, 0600);

    if (fd < 0)
        return attack_outcome(a, fd);
    close(fd);
    return attack_outcome(a, rename("small", "large"));
}

static const char *try_truncate(struct attacker *a)
{
    int fd = open("large", O_RDWR | O_TRUNC);

    return attack_outcome(a, fd < 0 ? -1 : close(fd));
}

static const char *try_close(struct attacker *a)
{
    int fd = open("large", O_RDWR);

    unlink("large");
    return attack_outcome(a, close(fd));
}

static const char *try_replace(struct attacker *a)
{
    int fd = open("large", O_RDWR), null = open("/dev/null", O_RDONLY);

    unlink("large");
    if (dup2(null, fd) < 0 || close(null) < 0)
        return attack_outcome(a, -1);
    return attack_outcome(a, close(fd));
}

/* ---- payloads ---- */

static char payload[PAYLOAD];

static const char *try_output(struct attacker *a)
{
    memset(payload, 'x', sizeof(payload));
    a->append(a->context, payload, sizeof(payload));
    return NULL;
}

/* Of itself: an input that it does not take, and an output that fits no buffer. */
static const char *try_nested(struct attacker *a)
{
    const char *output = NULL;
    size_t length = 0;

    if (a->invoke(a->context, "slow", payload, sizeof(payload), &output, &length) == 0)
        return "taken";
    if (a->invoke(a->context, "slow", "output 0", 8, &output, &length) != 0)
        return "failed";
    for (size_t i = 0; i < length; i++)
        if (output[i] != 'x')
            return attack_say(a, "byte %zu is wrong", i);
    return attack_say(a, "result %zu", length);
}

const struct attack attacks[] = {
    {"random", try_random},   {"unlink", try_unlink}, {"close", try_close},
    {"replace", try_replace}, {"rename", try_rename}, {"truncate", try_truncate},
    {"output", try_output},   {"nested", try_nested}, {NULL, NULL},
};
