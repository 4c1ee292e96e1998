/* System calls that take long or never end, and descriptors. */
#include "engine/test/e2e/greedy/greedy.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t size;

/* The file "sparse" is larger than what is read of it. */
static void *read_much(void *unused)
{
    char *buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = greedy_open("sparse");

    while (buffer != MAP_FAILED && pread(fd, buffer, size, 0) >= 0)
        ;
    return unused;
}

const char *greedy_read(struct attacker *a)
{
    size = a->arg[1] << 20;
    return greedy_start(a, a->arg[0], read_much, NULL);
}

static void *block(void *unused)
{
    int ends[2];
    char byte;

    if (pipe(ends))
        return unused;
    while (read(ends[0], &byte, 1) < 0)
        ;
    return unused;
}

const char *greedy_block(struct attacker *a)
{
    return greedy_start(a, a->arg[0], block, NULL);
}

const char *greedy_open_all(struct attacker *a)
{
    int n = 0;

    while (open("/dev/null", O_RDONLY) >= 0)
        n++;
    return attack_say(a, "%d descriptors, then %s", n, strerrorname_np(errno));
}
