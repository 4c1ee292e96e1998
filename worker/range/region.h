/*
 * The mappings of one domain inside its reserved address range: a pure data structure that says what is where, what a
 * change would cost and where a new mapping fits. Not responsible for system calls: the caller asks what a change
 * costs, performs it, and records it; a change whose cost was told cannot fail to be recorded.
 *
 * The list covers the whole range, gaps included, and the kernel never has more mappings there than the list has
 * entries. The kernel joins neighbours that are alike only if they also continue each other in one file, or have their
 * anonymous pages in one anon_vma, of which it makes a new one when memory without any is first written. So:
 *
 *  - The range is made as one mapping with an anon_vma. Memory that is opened in place there is the range's own and
 *    keeps it, whatever is done to it: such neighbours are joined, and so are gaps.
 *  - Memory that was moved takes its place in the anon_vma along, and is joined with what continues it there.
 *  - Every other mapping is joined only with what continues it in the same file, and if it is private not once it may
 *    have been written: it may have an anon_vma then, and its neighbour another one.
 *  - A gap where something else was mapped is not the range's own, unless it is joined with a gap that is; nor is
 *    memory that is later mapped there.
 *
 * Addresses and lengths come from domains. Whatever is unaligned, empty, wraps around or leaves the reserved range is
 * -EINVAL and changes nothing. One thread at a time.
 */
#ifndef NW_WORKER_RANGE_REGION_H
#define NW_WORKER_RANGE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define NW_REGION_PAGE 4096

/* The kind decides when a page counts against the domain's memory limit. Once counted it counts until it is unmapped
 * or replaced, since taking away an access right frees nothing. */
enum nw_region_kind {
    NW_REGION_ANON,     /* from when it is accessible in any way */
    NW_REGION_STACK,    /* MAP_STACK; counts as ANON does */
    NW_REGION_FILE,     /* private mapping of a file: from when it is writable */
    NW_REGION_SHARED,   /* shared mapping of a file: from when it is writable */
    NW_REGION_CODE,     /* image of a file that many domains run: never */
    NW_REGION_OWN_CODE, /* image of code that this domain brought along: never, since images are charged whole (code.h)
                         */
    NW_REGION_KINDS,
    NW_REGION_GAP = NW_REGION_KINDS /* nothing is mapped */
};

/* What a mapping is a part of, which decides with which neighbours it can be joined. */
struct nw_region_origin {
    uint64_t id;     /* of a file that was mapped once; 0: the range itself, as one anonymous mapping */
    uint64_t offset; /* there; in the range it is the address where the memory was opened */
    bool joins;      /* whether the kernel joins it with what continues it */
    bool host;       /* a file of the host that everybody may read */
};

struct nw_region {
    uintptr_t start, end; /* end is the first address behind it */
    struct nw_region_origin origin;
    uint8_t prot; /* PROT_READ | PROT_WRITE | PROT_EXEC */
    uint8_t kind; /* enum nw_region_kind */
    bool charged; /* counts against the limit */
};

/* Whether every domain may read it, if it has these rights: it is from a file of the host that all may read, and was
 * never writable, so the domain cannot have put anything there.
 */
static inline bool nw_region_is_public(const struct nw_region *region, int prot)
{
    return region->origin.host && !region->charged && !(prot & PROT_WRITE);
}

/* regions[0..count) in ascending order, from start to end without a hole; no two neighbours are left that could be
 * joined. Callers may read it, but change it only by the functions below. */
struct nw_regions {
    uintptr_t start, end;
    struct nw_region *regions;
    size_t count, max;
    uint64_t charged; /* bytes that count against the limit */
    uint64_t last_id; /* of an origin */
    uint64_t changes; /* how often it was changed */
};

/* What a change would lead to. */
struct nw_regions_cost {
    uint64_t charged;
    size_t count;
};

enum nw_region_order { NW_REGION_TOP_DOWN, NW_REGION_BOTTOM_UP };

/* An empty range [start, end) with room for `max` entries, gaps included. `whole`: it is one mapping with an anon_vma;
 * if not, nothing counts as the range's own. 0, -EINVAL (unaligned, empty, at address 0), -ENOMEM. */
int nw_regions_init(struct nw_regions *regions, uintptr_t start, uintptr_t end, size_t max, bool whole);
void nw_regions_fini(struct nw_regions *regions);

/* Fills an empty range that is `whole` with the entries of another one at the same addresses, gaps included, in
 * ascending order and without a hole. -EINVAL: they are not that, and nothing has changed. */
int nw_regions_load(struct nw_regions *regions, const struct nw_region *list, size_t count, uint64_t last_id);

/* A new origin, for a mapping that is no continuation of an earlier one. */
struct nw_region_origin nw_regions_new_origin(struct nw_regions *regions, bool joins, bool host);

/* Whether all of the range, gaps and memory, is its own: it can be opened and closed in place. */
bool nw_regions_is_own(const struct nw_regions *regions, uintptr_t start, size_t length);

/* Whether all of it is the range's own and was never accessible since it was last unmapped: then it is empty, and to
 * the kernel it looks like a gap. */
bool nw_regions_is_untouched(const struct nw_regions *regions, uintptr_t start, size_t length);

/* Whether any of it counts against the limit. */
bool nw_regions_is_charged(const struct nw_regions *regions, uintptr_t start, size_t length);

/*
 * Each change has a cost function that is called first: it returns what the change would return and on 0 stores what
 * it would lead to. -ENOMEM: more than `max` entries. -EACCES: `prot` on that kind would break the rule that only code
 * is executable and code is never writable.
 */

/* Maps the range, replacing what it covers. `origin` is NULL for memory of the range's own that is opened in place. */
int nw_regions_cost_of_add(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                           enum nw_region_kind kind, const struct nw_region_origin *origin,
                           struct nw_regions_cost *cost);
int nw_regions_add(struct nw_regions *regions, uintptr_t start, size_t length, int prot, enum nw_region_kind kind,
                   const struct nw_region_origin *origin);

/* Unmaps the range; parts of it may be unmapped already. `in_place`: all of it is its own and is closed in place. */
int nw_regions_cost_of_remove(const struct nw_regions *regions, uintptr_t start, size_t length, bool in_place,
                              struct nw_regions_cost *cost);
int nw_regions_remove(struct nw_regions *regions, uintptr_t start, size_t length, bool in_place);

/* Changes the access rights. -ENOMEM also when part of the range is unmapped (as mprotect says it). */
int nw_regions_cost_of_prot(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                            struct nw_regions_cost *cost);
int nw_regions_set_prot(struct nw_regions *regions, uintptr_t start, size_t length, int prot);

/* Exactly this entry, which may be a gap, takes the place of what is there. One of the range's own can only replace
 * what is its own. */
int nw_regions_cost_of_restore(const struct nw_regions *regions, const struct nw_region *region,
                               struct nw_regions_cost *cost);
int nw_regions_restore(struct nw_regions *regions, const struct nw_region *region);

/* The region that holds `address`, or NULL where nothing is mapped. Valid until the next change. */
const struct nw_region *nw_regions_find(const struct nw_regions *regions, uintptr_t address);

/* The entry that holds `address`, which may be a gap; NULL outside of the range. */
const struct nw_region *nw_regions_at(const struct nw_regions *regions, uintptr_t address);

/* Whether every byte of the range, which need not be aligned, is mapped with at least `prot`. An empty range is
 * covered wherever it is; one that wraps around never. */
bool nw_regions_covers(const struct nw_regions *regions, uintptr_t start, size_t length, int prot);

/*
 * A place for a mapping of `length` bytes at a multiple of `alignment` (a power of two, at least a page): at `hint` if
 * that is aligned and free, else the highest or the lowest one. 0 and *address, -ENOMEM when nothing fits, -EINVAL.
 */
int nw_regions_find_gap(const struct nw_regions *regions, size_t length, size_t alignment, uintptr_t hint,
                        enum nw_region_order order, uintptr_t *address);

/* Whether the invariants hold; for tests and debug builds. */
bool nw_regions_is_valid(const struct nw_regions *regions);

#endif
