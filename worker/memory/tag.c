/* See tag.h. */
#include "worker/memory/tag.h"
#include "worker/base/limits.h"
#include "worker/memory/memory.h"
#include "worker/range/pages.h"
#include "worker/range/region.h"
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#define AT_ONCE (4ul << 20) /* takes no longer than a piece (pages.h), even if all of its pages are in memory */

/* Large ranges in pieces: while the kernel works on one, no other thread of the process can map memory. */
static int tag_range(uint64_t start, uint64_t end, int prot, int key)
{
    struct nw_pages_piece piece = {0};

    for (uint64_t at = start, n; at < end; at += n) {
        n = end - start <= AT_ONCE ? end - start : nw_pages_next(&piece, end - at);
        if (pkey_mprotect((void *)at, n, prot, key) < 0)
            return -errno;
    }
    return 0;
}

static bool is_tagged(const struct nw_region *r)
{
    return r->prot && !nw_region_is_public(r, r->prot);
}

/* Neighbours with the same rights, which one call of the kernel can move. */
struct run {
    uint64_t start, end;
    int prot, key;
};

static int finish(const struct run *run)
{
    return run->start < run->end ? tag_range(run->start, run->end, run->prot, run->key) : 0;
}

static int extend(struct run *run, uint64_t start, uint64_t end, int prot)
{
    int error = 0;

    if (start != run->end || prot != run->prot) {
        error = finish(run);
        run->start = start;
        run->prot = prot;
    }
    run->end = end;
    return error;
}

int nw_memory_tag(struct nw_memory *memory, int key)
{
    const struct nw_regions *regions = &memory->regions;
    struct run run = {.key = key};
    int error = 0;

    pthread_mutex_lock(&memory->lock);
    memory->tag = key;
    for (size_t i = 0; i < regions->count && !error; i++) {
        const struct nw_region *r = &regions->regions[i];

        error = is_tagged(r) ? extend(&run, r->start, r->end, r->prot) : 0;
    }
    if (!error)
        error = extend(&run, nw_memory_areas(memory->end), memory->end, PROT_READ | PROT_WRITE);
    if (!error)
        error = finish(&run);
    pthread_mutex_unlock(&memory->lock);
    return error;
}
