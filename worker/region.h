/*
 * The mappings of one domain inside its reserved address range: a pure data structure that says what is where, what a
 * change would cost and where a new mapping fits. Not responsible for system calls: the caller asks what a change
 * costs, performs it, and records it; a change whose cost was told cannot fail to be recorded.
 *
 * Addresses and lengths come from domains. Whatever is unaligned, empty, wraps around or leaves the reserved range is
 * -EINVAL and changes nothing. One thread at a time.
 */
#ifndef NW_WORKER_REGION_H
#define NW_WORKER_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_REGION_PAGE 4096

/* The kind decides when a page counts against the domain's memory limit. Once counted it counts until it is unmapped
 * or replaced, since taking away an access right frees nothing. */
enum nw_region_kind {
    NW_REGION_ANON,     /* from when it is accessible in any way */
    NW_REGION_STACK,    /* the same */
    NW_REGION_FILE,     /* private mapping of a file: from when it is writable */
    NW_REGION_SHARED,   /* memory with other mappings elsewhere: always */
    NW_REGION_CODE,     /* image of a file that many domains run: never */
    NW_REGION_OWN_CODE, /* image of code that this domain brought along: always */
    NW_REGION_KINDS
};

struct nw_region {
    uintptr_t start, end; /* end is the first address behind it */
    uint8_t prot;         /* PROT_READ | PROT_WRITE | PROT_EXEC */
    uint8_t kind;         /* enum nw_region_kind */
    bool charged;         /* counts against the limit */
};

/* regions[0..count) in ascending order, apart; neighbours that touch differ in an attribute. Callers may read. */
struct nw_regions {
    uintptr_t start, end;
    struct nw_region *regions;
    size_t count, max;
    uint64_t charged; /* bytes that count against the limit */
};

enum nw_region_order { NW_REGION_TOP_DOWN, NW_REGION_BOTTOM_UP };

/* An empty range [start, end) with room for `max` regions. 0, -EINVAL (unaligned, empty, at address 0), -ENOMEM. */
int nw_regions_init(struct nw_regions *regions, uintptr_t start, uintptr_t end, size_t max);
void nw_regions_fini(struct nw_regions *regions);

/*
 * Each change has a cost function that is called first: it returns what the change would return and on 0 stores the
 * bytes that would be charged afterwards. -ENOMEM: more than `max` regions. -EACCES: `prot` on that kind would break
 * the rule that only code is executable and code is never writable.
 */

/* Maps the range, replacing what it covers. */
int nw_regions_cost_of_add(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                           enum nw_region_kind kind, uint64_t *charged);
int nw_regions_add(struct nw_regions *regions, uintptr_t start, size_t length, int prot, enum nw_region_kind kind);

/* Unmaps the range; parts of it may be unmapped already. */
int nw_regions_cost_of_remove(const struct nw_regions *regions, uintptr_t start, size_t length, uint64_t *charged);
int nw_regions_remove(struct nw_regions *regions, uintptr_t start, size_t length);

/* Changes the access rights. -ENOMEM also when part of the range is unmapped (as mprotect says it). */
int nw_regions_cost_of_prot(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                            uint64_t *charged);
int nw_regions_set_prot(struct nw_regions *regions, uintptr_t start, size_t length, int prot);

/* The region that holds `address`, or NULL. Valid until the next change. */
const struct nw_region *nw_regions_find(const struct nw_regions *regions, uintptr_t address);

/* The first region that ends above `address`, or NULL; the way to walk a range, together with the next entries. */
const struct nw_region *nw_regions_from(const struct nw_regions *regions, uintptr_t address);

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
