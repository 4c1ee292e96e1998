/*
 * The memory of a domain: its range, what is mapped there, what it holds of images and files, its limit. And how the
 * files of this folder change it.
 */
#ifndef NW_WORKER_MEMORY_MEMORY_H
#define NW_WORKER_MEMORY_MEMORY_H

#include "common/base/bound.h"
#include "protect/gate/gate.h"
#include "protect/gate/without.h"
#include "worker/base/limits.h"
#include "worker/image/where.h"
#include "worker/memory/code.h"
#include "worker/memory/file_maps.h"
#include "worker/memory/shortage.h"
#include "worker/range/region.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the monitor's own in a domain's range: the areas at its end, beside which the domain's memory grows downwards, and
 * a page at its beginning that is never accessible: code of a domain has no neighbour outside. */
#define NW_MONITOR_MAPPINGS 2

struct nw_account;
struct nw_disk;
struct nw_domain_fd;

/* Where the areas begin. */
static inline uint64_t nw_memory_areas(uint64_t end)
{
    return end - NW_AREAS_SIZE;
}

/* Part of a domain. */
struct nw_memory {
    uint64_t base, end;   /* its address range; both 0 before there is one */
    pthread_mutex_t lock; /* guards all that follows */
    int tag;              /* the key that its pages get; -1: there are no keys */
    struct nw_account *account;
    struct nw_disk *disk; /* of its function */
    uint64_t limit;       /* the same */
    int own_file;         /* the same */
    struct nw_regions regions;
    struct nw_held_code code;
    struct nw_file_maps file_maps;
    struct nw_where_files where;
    struct nw_shortage shortage;
    uint64_t peak; /* of nw_memory_used */
    struct {
        uint64_t first, last;
    } copied; /* origins of anonymous memory that begins with what a snapshot had there; last 0: there is none */
};

/* Once for each record; before each use of it; and with a tag, its range, of at most so many mappings: at this address
 * or, 0, anywhere. -EEXIST: something lies there. */
void nw_memory_init(struct nw_memory *memory);
void nw_memory_reset(struct nw_memory *memory, struct nw_account *account, struct nw_disk *disk, uint64_t limit,
                     int own_file);
int nw_memory_reserve(struct nw_memory *memory, uint64_t at, size_t most);

/* Nothing runs there any more: everything is unmapped and given back. */
void nw_memory_give_back(struct nw_memory *memory);

/* All of these images are given back. With the lock held, or by who alone knows of them. */
void nw_kept_images_drop(struct nw_kept_images *kept);

/* No snapshot comes of it: none is kept any more, and none will be. Takes the lock, but lets go of it to close. */
void nw_memory_keep_none(struct nw_memory *memory);

/* Whether [start, start + length) lies inside the range; nothing at all does, wherever it is. Says nothing of what is
 * mapped there. */
static inline bool nw_memory_holds(const struct nw_memory *memory, uint64_t start, uint64_t length)
{
    return nw_without(NW_DEFENCE_RANGES) || length == 0 ||
           (start >= memory->base && start <= memory->end && length <= memory->end - start);
}

/* The same for an address that the monitor goes on to use: also ahead of the check it lies in the range, or nowhere. */
static inline bool nw_memory_confine(const struct nw_memory *memory, uint64_t *start, uint64_t length)
{
    const uint64_t size = memory->end - memory->base, offset = *start - memory->base;
    const uint64_t inside = nw_mask_below(offset, size + 1) & nw_mask_below(length, size - offset + 1);

    if (nw_without(NW_DEFENCE_RANGES) || nw_without(NW_DEFENCE_MASKS))
        return nw_memory_holds(memory, *start, length);
    *start |= ~inside;
    return inside != 0 || length == 0;
}

/* Whether the domain may have `more` bytes; if not, they count as refused. */
bool nw_memory_spares(struct nw_memory *memory, uint64_t more);

static inline uint64_t nw_page_up(uint64_t length)
{
    return (length + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE;
}

/* All with the lock held. */

/* Whether the domain may have so many bytes charged; less than it has it always may. */
bool nw__memory_fits(const struct nw_memory *memory, uint64_t charged);

/* Admits what a change would lead to: -ENOMEM. What it took and the change did not use is given back by the other. */
int nw__memory_admit(struct nw_memory *memory, const struct nw_regions_cost *cost);
void nw_memory_settle(struct nw_memory *memory);

/* Where a mapping goes: at the fixed address, or wherever it fits, at the hint if that is free. */
int nw__memory_place(struct nw_memory *memory, uint64_t hint, uint64_t length, bool fixed, uint64_t *start);

/* Maps an image's or a file's part there, in the domain's key, and records it. */
int nw__memory_put(struct nw_memory *memory, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind,
                   int fd, uint64_t offset, const struct nw_region_origin *origin);

/* The key of pages of the domain; -1: there are no keys. `public`: what nw_region_is_public says of them. */
static inline int nw_memory_key(const struct nw_memory *memory, bool public)
{
    return public && memory->tag >= 0 ? NW_KEY_SHARED : memory->tag;
}

/* Anonymous memory (`file` is NULL) and files; of MAP_FIXED the contents that it replaces are gone already if they are
 * large. */
long nw__memory_map_data(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, int flags,
                         const struct nw_domain_fd *file, uint64_t offset);
long nw__memory_unmap_now(struct nw_memory *memory, uint64_t start, uint64_t length);

/* Without the lock: code.c. */
long nw__memory_map_code(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, bool fixed,
                         const struct nw_domain_fd *file, uint64_t offset, struct nw_code_call *code);

#endif
