/* See memory.h. */
#include "worker/memory/memory.h"
#include "common/base/atomic.h"
#include "protect/gate/without.h"
#include "worker/account/share.h"
#include "worker/files/files.h"
#include "worker/image/image.h"
#include "worker/image/kept.h"
#include "worker/image/programs.h"
#include "worker/range/pages.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MANY 64 /* mappings that one call of the kernel gives back, which must not take long */

void nw_memory_init(struct nw_memory *memory)
{
    pthread_mutex_init(&memory->lock, NULL);
    pthread_mutex_init(&memory->code.building, NULL);
}

void nw_memory_reset(struct nw_memory *memory, struct nw_account *account, struct nw_disk *disk, uint64_t limit,
                     int own_file)
{
    memory->account = account;
    memory->disk = disk;
    memory->limit = limit;
    memory->own_file = own_file;
    memory->base = memory->end = 0;
    memory->where.n = 0;
    memory->code.bytes = memory->copy = 0;
    memory->shortage = (struct nw_shortage){0};
    memory->peak = 0;
    memory->copied.first = memory->copied.last = 0;
}

int nw_memory_reserve(struct nw_memory *memory, uint64_t at, size_t most)
{
    bool whole;
    int error;

    memory->base = at;
    error = nw_pages_reserve(NW_DOMAIN_RANGE, NW_AREAS_SIZE, &memory->base, &whole);

    if (error)
        return error;
    memory->end = memory->base + NW_DOMAIN_RANGE;
    error = nw_regions_init(&memory->regions, memory->base + NW_PAGE_SIZE, nw_memory_areas(memory->end), most, whole);
    return error ? error
                 : nw_share_take(memory->account, NW_RESOURCE_MAPPINGS, NW_MONITOR_MAPPINGS + memory->regions.count);
}

/* Contents first, since that goes on beside other threads that map memory. To remove mappings shuts those out, so it
 * comes when it is quick, and in parts. */
static void empty_range(const struct nw_regions *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (!nw_regions_is_untouched(r, r->regions[i].start, r->regions[i].end - r->regions[i].start))
            nw_pages_empty(r->regions[i].start, r->regions[i].end - r->regions[i].start, NULL);
    for (size_t i = 0; i + MANY < r->count; i += MANY)
        nw_pages_reserve_again(r->regions[i].start, r->regions[i + MANY].start - r->regions[i].start);
}

int nw_memory_keep(struct nw_memory *memory)
{
    memory->code.kept = calloc(1, sizeof(*memory->code.kept));
    return memory->code.kept ? 0 : -ENOMEM;
}

struct nw_kept *nw_memory_keep_no_more(struct nw_memory *memory)
{
    struct nw_kept *kept;

    pthread_mutex_lock(&memory->lock);
    kept = memory->code.kept;
    memory->code.kept = NULL;
    pthread_mutex_unlock(&memory->lock);
    return kept;
}

void nw_memory_give_back(struct nw_memory *memory)
{
    if (memory->base) {
        empty_range(&memory->regions);
        munmap((void *)memory->base, NW_DOMAIN_RANGE);
    }
    nw_regions_fini(&memory->regions);
    nw__file_maps_fini(memory);
    nw_kept_free(memory->code.kept);
    memory->code.kept = NULL;
    free(memory->code.images);
    memory->code.images = NULL;
    memory->code.n = memory->code.room = 0;
}

bool nw__memory_fits(const struct nw_memory *memory, uint64_t charged)
{
    return nw_without(NW_DEFENCE_MEMORY) || charged + memory->code.bytes + memory->copy <= memory->limit ||
           charged <= memory->regions.charged;
}

void nw_memory_copied(struct nw_memory *memory, uint64_t bytes)
{
    pthread_mutex_lock(&memory->lock);
    nw_store_relaxed(&memory->copy, bytes); /* loaded by nw_memory_used */
    nw__memory_note_peak(memory);
    pthread_mutex_unlock(&memory->lock);
}

bool nw_memory_spares(struct nw_memory *memory, uint64_t more)
{
    bool fits;

    pthread_mutex_lock(&memory->lock);
    fits = nw__memory_fits(memory, memory->regions.charged + more);
    if (!fits)
        nw__shortage_note(memory, more);
    pthread_mutex_unlock(&memory->lock);
    return fits;
}

int nw_memory_admit(struct nw_memory *memory, const struct nw_regions_cost *cost)
{
    uint64_t held = nw_share_used(memory->account, NW_RESOURCE_MAPPINGS), needed = cost->count + NW_MONITOR_MAPPINGS;

    if (!nw__memory_fits(memory, cost->charged)) {
        nw__shortage_note(memory, cost->charged - memory->regions.charged);
        return -ENOMEM;
    }
    return needed > held ? nw_share_take(memory->account, NW_RESOURCE_MAPPINGS, needed - held) : 0;
}

void nw_memory_settle(struct nw_memory *memory)
{
    uint64_t held = nw_share_used(memory->account, NW_RESOURCE_MAPPINGS),
             needed = memory->regions.count + NW_MONITOR_MAPPINGS;

    if (held > needed)
        nw_share_give(memory->account, NW_RESOURCE_MAPPINGS, held - needed);
    nw__memory_note_peak(memory);
}

int nw__memory_library(const struct nw_memory *memory, const struct nw_domain_fd *file, struct nw_library *library)
{
    const struct nw_library_folder folder = {.fd = file->granted ? file->granted->fd : -1,
                                             .path = file->granted ? file->granted->path : NULL};

    return nw_library_of(file->fd, memory->own_file, file->granted ? &folder : NULL, library);
}

int nw__memory_place(struct nw_memory *memory, uint64_t hint, uint64_t length, bool fixed, uint64_t *start)
{
    if (!fixed)
        return nw_regions_find_gap(&memory->regions, length, NW_PAGE_SIZE, hint & -NW_PAGE_SIZE, NW_REGION_TOP_DOWN,
                                   start);
    *start = hint;
    return 0;
}

/* Opens memory of the range's own (region.h) in place; what was there is gone. */
static int open_own(struct nw_memory *memory, uint64_t start, uint64_t length, int prot)
{
    bool untouched = nw_regions_is_untouched(&memory->regions, start, length);
    int error = untouched ? 0 : nw_pages_close(memory->tag >= 0, start, length);

    if (error || (untouched && prot == PROT_NONE))
        return error;
    error = nw_pages_protect(memory->tag, start, length, prot);
    if (error) /* part of it may be accessible, in a key, and not be in the list */
        nw_pages_close(memory->tag >= 0, start, length);
    return error;
}

static int open_anonymous(struct nw_memory *memory, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_add(&memory->regions, start, length, prot, kind, NULL, &cost);

    if (!error)
        error = nw_memory_admit(memory, &cost);
    if (!error)
        error = open_own(memory, start, length, prot);
    if (!error)
        error = nw_regions_add(&memory->regions, start, length, prot, kind, NULL);
    nw_memory_settle(memory);
    return error;
}

int nw__memory_put(struct nw_memory *memory, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind,
                   int fd, uint64_t offset, const struct nw_region_origin *origin)
{
    int flags = kind == NW_REGION_SHARED ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, error;
    const int key = nw_memory_key(memory, nw_region_is_public(&(struct nw_region){.origin = *origin}, prot));
    struct nw_regions_cost cost;
    bool gone = false;

    error = nw_regions_cost_of_add(&memory->regions, start, length, prot, kind, origin, &cost);
    if (!error)
        error = nw_memory_admit(memory, &cost);
    if (!error)
        error = nw_pages_map(key, start, length, prot, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, offset, &gone);
    if (!error)
        error = nw_regions_add(&memory->regions, start, length, prot, kind, origin);
    else if (gone)
        nw_regions_remove(&memory->regions, start, length, false);
    nw_memory_settle(memory);
    return error;
}

/* Where the data come from is noted while a snapshot is wanted. */
static void keep_data(struct nw_memory *memory, uint64_t id, const struct nw_domain_fd *file, uint64_t offset)
{
    struct nw_library library;

    if (memory->code.kept && nw__memory_library(memory, file, &library) == 0)
        nw_kept_add_data(memory->code.kept, id, &library, offset);
}

long nw__memory_map_data(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, int flags,
                         const struct nw_domain_fd *file, uint64_t offset)
{
    enum nw_region_kind kind = flags & MAP_SHARED && file ? NW_REGION_SHARED
                               : file                     ? NW_REGION_FILE
                               : flags & MAP_STACK        ? NW_REGION_STACK
                                                          : NW_REGION_ANON;
    struct nw_region_origin origin = nw_regions_new_origin(&memory->regions, file, file && file->host);
    uint64_t start;
    int error = nw__memory_place(memory, hint, length, flags & MAP_FIXED, &start);

    if (!error && !file && nw_regions_is_own(&memory->regions, start, length))
        error = open_anonymous(memory, start, length, prot, kind);
    else if (!error)
        error = nw__memory_put(memory, start, length, prot, kind, file ? file->fd : -1, offset, &origin);
    if (!error && kind == NW_REGION_FILE)
        keep_data(memory, origin.id, file, offset);
    return error ? error : (long)start;
}

long nw__memory_unmap_now(struct nw_memory *memory, uint64_t start, uint64_t length)
{
    bool own = nw_regions_is_own(&memory->regions, start, length);
    bool untouched = nw_regions_is_untouched(&memory->regions, start, length);
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_remove(&memory->regions, start, length, own, &cost);

    if (!error)
        error = nw_memory_admit(memory, &cost);
    if (!error && !untouched)
        error = own ? nw_pages_close(memory->tag >= 0, start, length) : nw_pages_reserve_again(start, length);
    if (!error)
        error = nw_regions_remove(&memory->regions, start, length, own);
    nw__file_maps_sweep(memory);
    nw_memory_settle(memory);
    return error;
}
