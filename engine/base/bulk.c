/* See bulk.h. */
#include "engine/base/bulk.h"
#include "engine/base/chores.h"
#include <stdlib.h>
#include <sys/mman.h>

#define SMALL 65536          /* bytes; up to here malloc is asked */
#define PIECE (512ul * 1024) /* bytes that one step gives back */

/* Stands at the beginning of memory that is being given back. */
struct returned {
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
    madvise(memory, size, MADV_NOHUGEPAGE); /* so that nobody waits while 2 MiB are zeroed */
    return memory;
}

static bool give_back(struct nw_chore *chore)
{
    struct returned *returned = nw_container(chore, struct returned, chore);
    if (returned->size <= PIECE) {
        munmap(returned, returned->size);
        return false;
    }
    size_t left = (returned->size - 1) / PIECE * PIECE;
    munmap((char *)returned + left, returned->size - left);
    returned->size = left;
    return true;
}

void nw_bulk_free(struct nw_list *chores, char *memory, size_t size)
{
    if (!memory || size <= SMALL) {
        free(memory);
    } else if (!chores) {
        munmap(memory, size);
    } else {
        struct returned *returned = (struct returned *)memory;
        *returned = (struct returned){.chore = {.step = give_back}, .size = size};
        nw_chore_start(chores, &returned->chore);
    }
}
