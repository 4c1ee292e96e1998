/* Large memory, which takes the kernel long to move and to give back. */
#include "engine/test/e2e/greedy/greedy.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t size;

static char *fill(void)
{
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    memset(memory, 1, size);
    return memory;
}

/* A page behind the memory is in its way. */
static void *move(void *unused)
{
    char *memory = fill();

    while (memory) {
        char *wall = mmap(memory + size, GREEDY_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char *moved = mremap(memory, size, size + GREEDY_PAGE, MREMAP_MAYMOVE);
        munmap(wall, GREEDY_PAGE);
        if (moved == MAP_FAILED)
            continue;
        munmap(moved + size, GREEDY_PAGE);
        memory = moved;
    }
    return unused;
}

const char *greedy_move(struct attacker *a)
{
    size = a->arg[1] << 20;
    return greedy_start(a, a->arg[0], move, NULL);
}

const char *greedy_crash(struct attacker *a)
{
    size = a->arg[0] << 20;
    if (fill())
        abort();
    return attack_outcome(a, -1);
}
