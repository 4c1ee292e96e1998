/* The list of mappings of region.h: a sorted array, searched by halves. */
#include "worker/region.h"
#include "protect/without.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* A change cuts at most two regions before it merges again, and an added one comes on top. */
#define SPARE 3

static bool is_aligned(uintptr_t value)
{
    return value % NW_REGION_PAGE == 0;
}

static bool is_code(enum nw_region_kind kind)
{
    return kind == NW_REGION_CODE || kind == NW_REGION_OWN_CODE;
}

static bool is_charged(enum nw_region_kind kind, int prot)
{
    switch (kind) {
    case NW_REGION_ANON:
    case NW_REGION_STACK:
        return prot != PROT_NONE;
    case NW_REGION_FILE:
        return (prot & PROT_WRITE) != 0;
    case NW_REGION_SHARED:
    case NW_REGION_OWN_CODE:
        return true;
    case NW_REGION_CODE:
    case NW_REGION_KINDS:
        break;
    }
    return false;
}

static int check_prot(enum nw_region_kind kind, int prot)
{
    if (nw_without(NW_DEFENCE_WX))
        return 0;
    if (is_code(kind))
        return prot & PROT_WRITE ? -EACCES : 0;
    return prot & PROT_EXEC ? -EACCES : 0;
}

static int check_range(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    if (!is_aligned(start) || !is_aligned(length) || length == 0)
        return -EINVAL;
    if (start < regions->start || start >= regions->end || length > regions->end - start)
        return -EINVAL;
    return 0;
}

int nw_regions_init(struct nw_regions *regions, uintptr_t start, uintptr_t end, size_t max)
{
    memset(regions, 0, sizeof *regions);
    if (!is_aligned(start) || !is_aligned(end) || start == 0 || start >= end || max == 0)
        return -EINVAL;
    regions->regions = calloc(max + SPARE, sizeof *regions->regions);
    if (regions->regions == NULL)
        return -ENOMEM;
    regions->start = start;
    regions->end = end;
    regions->max = max;
    return 0;
}

void nw_regions_fini(struct nw_regions *regions)
{
    free(regions->regions);
    memset(regions, 0, sizeof *regions);
}

/* Index of the first region that ends above `address`; `count` when there is none. */
static size_t index_from(const struct nw_regions *regions, uintptr_t address)
{
    size_t low = 0, high = regions->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (regions->regions[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct nw_region *nw_regions_from(const struct nw_regions *regions, uintptr_t address)
{
    size_t i = index_from(regions, address);

    return i < regions->count ? &regions->regions[i] : NULL;
}

const struct nw_region *nw_regions_find(const struct nw_regions *regions, uintptr_t address)
{
    const struct nw_region *region = nw_regions_from(regions, address);

    return region != NULL && region->start <= address ? region : NULL;
}

bool nw_regions_covers(const struct nw_regions *regions, uintptr_t start, size_t length, int prot)
{
    if (length == 0)
        return true;
    if (length > UINTPTR_MAX - start)
        return false;
    uintptr_t at = start, end = start + length;
    for (size_t i = index_from(regions, start); i < regions->count; i++) {
        const struct nw_region *region = &regions->regions[i];
        if (region->start > at || (region->prot & prot) != prot)
            return false;
        if (region->end >= end)
            return true;
        at = region->end;
    }
    return false;
}

/* What lies in a range: the regions it touches, how many it would cut in two or shorten, and their charge. */
struct extent {
    size_t first, last; /* regions[first..last) */
    size_t cuts;        /* of its two ends, how many lie inside a region */
    uint64_t mapped;
    uint64_t charged;
};

static struct extent measure(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    uintptr_t end = start + length;
    struct extent extent = {.first = index_from(regions, start)};

    extent.last = extent.first;
    for (; extent.last < regions->count && regions->regions[extent.last].start < end; extent.last++) {
        const struct nw_region *region = &regions->regions[extent.last];
        uintptr_t from = region->start < start ? start : region->start;
        uintptr_t to = region->end > end ? end : region->end;
        extent.cuts += (size_t)(region->start < start) + (size_t)(region->end > end);
        extent.mapped += to - from;
        extent.charged += region->charged ? to - from : 0;
    }
    return extent;
}

static int check_count(const struct nw_regions *regions, size_t count)
{
    return count > regions->max ? -ENOMEM : 0;
}

int nw_regions_cost_of_add(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                           enum nw_region_kind kind, uint64_t *charged)
{
    if (check_range(regions, start, length) != 0 || (prot & ~PROT_ALL) || (unsigned int)kind >= NW_REGION_KINDS)
        return -EINVAL;
    int error = check_prot(kind, prot);
    if (error != 0)
        return error;
    struct extent extent = measure(regions, start, length);
    *charged = regions->charged - extent.charged + (is_charged(kind, prot) ? length : 0);
    return check_count(regions, regions->count + extent.cuts - (extent.last - extent.first) + 1);
}

int nw_regions_cost_of_remove(const struct nw_regions *regions, uintptr_t start, size_t length, uint64_t *charged)
{
    if (check_range(regions, start, length) != 0)
        return -EINVAL;
    struct extent extent = measure(regions, start, length);
    *charged = regions->charged - extent.charged;
    return check_count(regions, regions->count + extent.cuts - (extent.last - extent.first));
}

int nw_regions_cost_of_prot(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                            uint64_t *charged)
{
    if (check_range(regions, start, length) != 0 || (prot & ~PROT_ALL))
        return -EINVAL;
    struct extent extent = measure(regions, start, length);
    if (extent.mapped != length)
        return -ENOMEM;
    *charged = regions->charged - extent.charged;
    for (size_t i = extent.first; i < extent.last; i++) {
        const struct nw_region *region = &regions->regions[i];
        int error = check_prot(region->kind, prot);
        if (error != 0)
            return error;
        if (!region->charged && !is_charged(region->kind, prot))
            continue;
        uintptr_t from = region->start < start ? start : region->start;
        uintptr_t to = region->end > start + length ? start + length : region->end;
        *charged += to - from;
    }
    return check_count(regions, regions->count + extent.cuts);
}

/* Makes `address` the end of one region and the start of the next if it lies inside one. */
static void cut(struct nw_regions *regions, uintptr_t address)
{
    size_t i = index_from(regions, address);
    struct nw_region *region = &regions->regions[i];

    if (i == regions->count || region->start >= address)
        return;
    memmove(region + 1, region, (regions->count - i) * sizeof *region);
    regions->count++;
    region[0].end = address;
    region[1].start = address;
}

/* Replaces regions[first..last) by `region`, or by nothing. */
static void replace(struct nw_regions *regions, size_t first, size_t last, const struct nw_region *region)
{
    size_t added = region != NULL ? 1 : 0;
    struct nw_region *at = &regions->regions[first];

    memmove(at + added, &regions->regions[last], (regions->count - last) * sizeof *at);
    regions->count = regions->count - (last - first) + added;
    if (region != NULL)
        *at = *region;
}

static bool can_merge(const struct nw_region *a, const struct nw_region *b)
{
    return a->end == b->start && a->prot == b->prot && a->kind == b->kind && a->charged == b->charged;
}

/* Joins equal neighbours among regions[first - 1 .. last]. */
static void merge(struct nw_regions *regions, size_t first, size_t last)
{
    size_t kept = first == 0 ? 0 : first - 1;
    size_t end = last + 1 < regions->count ? last + 1 : regions->count;

    if (kept >= end)
        return;
    for (size_t i = kept + 1; i < end; i++) {
        struct nw_region *region = &regions->regions[i];
        if (can_merge(&regions->regions[kept], region))
            regions->regions[kept].end = region->end;
        else
            regions->regions[++kept] = *region;
    }
    replace(regions, kept + 1, end, NULL);
}

int nw_regions_add(struct nw_regions *regions, uintptr_t start, size_t length, int prot, enum nw_region_kind kind)
{
    uint64_t charged;
    int error = nw_regions_cost_of_add(regions, start, length, prot, kind, &charged);

    if (error != 0)
        return error;
    cut(regions, start);
    cut(regions, start + length);
    struct extent extent = measure(regions, start, length);
    struct nw_region region = {start, start + length, (uint8_t)prot, (uint8_t)kind, is_charged(kind, prot)};
    replace(regions, extent.first, extent.last, &region);
    merge(regions, extent.first, extent.first + 1);
    regions->charged = charged;
    return 0;
}

int nw_regions_remove(struct nw_regions *regions, uintptr_t start, size_t length)
{
    uint64_t charged;
    int error = nw_regions_cost_of_remove(regions, start, length, &charged);

    if (error != 0)
        return error;
    cut(regions, start);
    cut(regions, start + length);
    struct extent extent = measure(regions, start, length);
    replace(regions, extent.first, extent.last, NULL);
    regions->charged = charged;
    return 0;
}

int nw_regions_set_prot(struct nw_regions *regions, uintptr_t start, size_t length, int prot)
{
    uint64_t charged;
    int error = nw_regions_cost_of_prot(regions, start, length, prot, &charged);

    if (error != 0)
        return error;
    cut(regions, start);
    cut(regions, start + length);
    struct extent extent = measure(regions, start, length);
    for (size_t i = extent.first; i < extent.last; i++) {
        struct nw_region *region = &regions->regions[i];
        region->prot = (uint8_t)prot;
        region->charged = region->charged || is_charged(region->kind, prot);
    }
    merge(regions, extent.first, extent.last);
    regions->charged = charged;
    return 0;
}

/* The lowest or the highest aligned place in the free range [low, high), if `length` bytes fit there. */
static bool fit(uintptr_t low, uintptr_t high, size_t length, size_t alignment, enum nw_region_order order,
                uintptr_t *address)
{
    if (high - low < length)
        return false;
    if (order == NW_REGION_TOP_DOWN) {
        *address = (high - length) & ~(alignment - 1);
        return *address >= low;
    }
    uintptr_t padding = -low & (alignment - 1);
    *address = low + padding;
    return padding <= high - low - length;
}

static bool is_free(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    size_t i = index_from(regions, start);

    return check_range(regions, start, length) == 0 &&
           (i == regions->count || regions->regions[i].start >= start + length);
}

int nw_regions_find_gap(const struct nw_regions *regions, size_t length, size_t alignment, uintptr_t hint,
                        enum nw_region_order order, uintptr_t *address)
{
    if (length == 0 || !is_aligned(length) || alignment < NW_REGION_PAGE || (alignment & (alignment - 1)) != 0)
        return -EINVAL;
    if ((hint & (alignment - 1)) == 0 && is_free(regions, hint, length)) {
        *address = hint;
        return 0;
    }
    /* Gap i lies below region i; the last one lies above all. */
    for (size_t n = 0; n <= regions->count; n++) {
        size_t i = order == NW_REGION_TOP_DOWN ? regions->count - n : n;
        uintptr_t low = i == 0 ? regions->start : regions->regions[i - 1].end;
        uintptr_t high = i == regions->count ? regions->end : regions->regions[i].start;
        if (fit(low, high, length, alignment, order, address))
            return 0;
    }
    return -ENOMEM;
}

bool nw_regions_is_valid(const struct nw_regions *regions)
{
    uint64_t charged = 0;
    uintptr_t end = regions->start;

    for (size_t i = 0; i < regions->count; i++) {
        const struct nw_region *region = &regions->regions[i];
        if (region->start < end || region->end <= region->start || region->end > regions->end)
            return false;
        if (!is_aligned(region->start) || !is_aligned(region->end) || check_prot(region->kind, region->prot) != 0)
            return false;
        if (is_charged(region->kind, region->prot) && !region->charged)
            return false;
        if (i > 0 && can_merge(region - 1, region))
            return false;
        end = region->end;
        charged += region->charged ? region->end - region->start : 0;
    }
    return charged == regions->charged && regions->count <= regions->max;
}
