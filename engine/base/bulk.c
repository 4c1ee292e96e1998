/* See bulk.h. */
#include "engine/base/bulk.h"
#include "engine/base/chores.h"
#include <stdlib.h>
#include <sys/mman.h>

#define SMALL 65536          /* up to here malloc has room of its own for it */
#define PIECE (512ul * 1024) /* given back at a time */

/* At the beginning of memory that is being given back. */
struct dying {
    struct nw_chore chore;
    size_t size;
};

char *nw_bulk_new(size_t size)
{
    if (size <= SMALL)
        return malloc(size);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    madvise(memory, size, MADV_NOHUGEPAGE); /* nobody waits while 2 MiB are zeroed */
    return memory;
}

static bool give_back(struct nw_chore *chore)
{
    struct dying *dying = nw_container(chore, struct dying, chore);
    if (dying->size <= PIECE) {
        munmap(dying, dying->size);
        return false;
    }
    size_t left = (dying->size - 1) / PIECE * PIECE;
    munmap((char *)dying + left, dying->size - left);
    dying->size = left;
    return true;
}

void nw_bulk_free(struct nw_list *chores, char *memory, size_t size)
{
    if (!memory || size <= SMALL) {
        free(memory);
    } else if (!chores) {
        munmap(memory, size);
    } else {
        struct dying *dying = (struct dying *)memory;
        *dying = (struct dying){.chore = {.step = give_back}, .size = size};
        nw_chore_start(chores, &dying->chore);
    }
}
