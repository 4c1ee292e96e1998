/*
 * The memory of a domain: its range, what is mapped there, which images and files it holds, its limit. The nw__
 * functions are for the files of this folder only: calls.h has what domains ask for.
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

/* Mappings in a domain's range that are the monitor's own: the areas at its end, below which the domain's memory grows
 * downwards, and a page at its beginning that is never accessible, so that no code outside is next to the domain's. */
#define NW_MONITOR_MAPPINGS 2

struct nw_account;
struct nw_disk;
struct nw_domain_fd;
struct stat;
struct nw_library;

/* Where the monitor's areas begin in a range that ends there. */
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
    struct nw_disk *disk; /* its function's: what its files take */
    uint64_t limit;       /* its function's: bytes that may be charged */
    int own_file;         /* descriptor of the function's own file, to name it in messages */
    struct nw_regions regions;
    struct nw_held_code code;
    struct nw_file_maps file_maps;
    struct nw_where_files where;
    struct nw_shortage shortage;
    uint64_t copy; /* bytes of the snapshot that was taken of it or that it is made from: they count as its own */
    uint64_t peak; /* of nw_memory_used */
    struct {
        uint64_t first, last;
    } copied; /* origins of memory whose first contents come from a snapshot (calls.c); last 0: there is none */
    uint64_t pristine; /* regions.changes when its mappings were last those of the snapshot that it is made from */
};

/* init: once for each record. reset: before each use of it. reserve: takes its range, of at most `most` mappings, at
 * the address `at` or, if that is 0, anywhere; the tag must be set. -EEXIST: something lies there. */
void nw_memory_init(struct nw_memory *memory);
void nw_memory_reset(struct nw_memory *memory, struct nw_account *account, struct nw_disk *disk, uint64_t limit,
                     int own_file);
int nw_memory_reserve(struct nw_memory *memory, uint64_t at, size_t most);

/* Unmaps and gives back everything. Nothing may run in the domain any more. */
void nw_memory_give_back(struct nw_memory *memory);

/* What is mapped from now on is noted for a snapshot. 0 or -ENOMEM. */
int nw_memory_keep(struct nw_memory *memory);

/* Nothing more is noted: what was, or NULL, is the caller's. Takes the lock. */
struct nw_kept *nw_memory_keep_no_more(struct nw_memory *memory);

/* Whether [start, start + length) lies inside the range; an empty one always does. Says nothing of what is mapped
 * there. */
static inline bool nw_memory_holds(const struct nw_memory *memory, uint64_t start, uint64_t length)
{
    return nw_without(NW_DEFENCE_RANGES) || length == 0 ||
           (start >= memory->base && start <= memory->end && length <= memory->end - start);
}

/* The same for an address that the monitor then uses. A CPU that runs ahead of the check could use a bad one; so one
 * outside of the range becomes all ones, without a branch. */
static inline bool nw_memory_confine(const struct nw_memory *memory, uint64_t *start, uint64_t length)
{
    const uint64_t size = memory->end - memory->base, offset = *start - memory->base;
    const uint64_t inside = nw_mask_below(offset, size + 1) & nw_mask_below(length, size - offset + 1);

    if (nw_without(NW_DEFENCE_RANGES) || nw_without(NW_DEFENCE_MASKS))
        return nw_memory_holds(memory, *start, length);
    *start |= ~inside;
    return inside != 0 || length == 0;
}

/* A snapshot of so many bytes was taken of it. Takes the lock. */
void nw_memory_copied(struct nw_memory *memory, uint64_t bytes);

/* Whether the domain may have `more` bytes; if not, that is noted as a shortage. Takes the lock. */
bool nw_memory_spares(struct nw_memory *memory, uint64_t more);

static inline uint64_t nw_page_up(uint64_t length)
{
    return (length + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE;
}

/* From here on: lock held. */

/* Whether the domain may have so many bytes charged in all; it always may if that is no more than it has. */
bool nw__memory_fits(const struct nw_memory *memory, uint64_t charged);

/* To be called before and after each change of `regions`. admit: takes the mappings that it would need; -ENOMEM: they
 * or the bytes are too many. settle: gives back mappings that are not needed, as after a change that failed. */
int nw_memory_admit(struct nw_memory *memory, const struct nw_regions_cost *cost);
void nw_memory_settle(struct nw_memory *memory);

/* Where a mapping goes: at the hint if it is fixed or free there, else wherever it fits. */
int nw__memory_place(struct nw_memory *memory, uint64_t hint, uint64_t length, bool fixed, uint64_t *start);

/* Maps a part of an image or a file there, or anonymous memory if `fd` is negative, in the right key, and records it.
 */
int nw__memory_put(struct nw_memory *memory, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind,
                   int fd, uint64_t offset, const struct nw_region_origin *origin);

/* What the file is that is mapped, for a snapshot. 0 or negative errno. */
int nw__memory_library(const struct nw_memory *memory, const struct nw_domain_fd *file, struct nw_library *library);

/* The key that pages of the domain get; -1: there are no keys. `public`: what nw_region_is_public says of them. */
static inline int nw_memory_key(const struct nw_memory *memory, bool public)
{
    return public && memory->tag >= 0 ? NW_KEY_SHARED : memory->tag;
}

/* Maps anonymous memory (`file` is NULL) or a file, not as code. Large contents that MAP_FIXED replaces have been
 * emptied before, since that takes long and the lock is held here. */
long nw__memory_map_data(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, int flags,
                         const struct nw_domain_fd *file, uint64_t offset);
long nw__memory_unmap_now(struct nw_memory *memory, uint64_t start, uint64_t length);

/* Maps code, from an image. `st`: the file's attributes, as they are now. Lock NOT held. */
long nw__memory_map_code(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, bool fixed,
                         const struct nw_domain_fd *file, const struct stat *st, uint64_t offset,
                         struct nw_code_call *code);

#endif
