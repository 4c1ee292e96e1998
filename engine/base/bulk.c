/* See bulk.h. */
#include "engine/base/bulk.h"
#include "common/base/valid.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SMALL 65536          /* bytes; up to here malloc is asked */
#define PIECE (512ul * 1024) /* bytes that one step gives back */

#define PAGE 4096

bool nw__returned_is_valid(const struct nw__returned *returned)
{
    return nw_chore_is_valid(&returned->chore) && (uintptr_t)returned % PAGE == 0 && returned->size;
}

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
    struct nw__returned *returned = nw_container(chore, struct nw__returned, chore);
    nw_check_valid(nw__returned, returned);
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
        struct nw__returned *returned = (struct nw__returned *)memory;
        *returned = (struct nw__returned){.chore = {.step = give_back}, .size = size};
        nw_chore_start(chores, &returned->chore);
    }
}
