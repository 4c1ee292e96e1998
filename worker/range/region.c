/* The list of mappings of region.h: a sorted array with binary search. */
#include "worker/range/region.h"
#include "common/base/valid.h"
#include "protect/gate/without.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PROT_ALL (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Entries beyond `max` that a change may need for a moment: it cuts at most two regions, and may add one. */
#define SPARE 3

/* origin.id of a gap that is not the range's own; no mapping has it. */
#define STRANGE 1

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
    case NW_REGION_SHARED:
        return (prot & PROT_WRITE) != 0;
    case NW_REGION_CODE:
    case NW_REGION_OWN_CODE:
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

static struct nw_region gap(uintptr_t start, uintptr_t end, bool own)
{
    return (struct nw_region){.start = start,
                              .end = end,
                              .origin = {.id = own ? 0 : STRANGE, .offset = start, .joins = true},
                              .kind = NW_REGION_GAP};
}

/* Longer lists are not checked: to check them at each change would take minutes. */
#define CHECKED_MOST 4096

static void changed(struct nw_regions *regions)
{
    regions->changes++;
    if (regions->count <= CHECKED_MOST)
        nw_check_valid(nw_regions, regions);
}

int nw_regions_init(struct nw_regions *regions, uintptr_t start, uintptr_t end, size_t max, bool whole)
{
    memset(regions, 0, sizeof *regions);
    if (!is_aligned(start) || !is_aligned(end) || start == 0 || start >= end || max == 0)
        return -EINVAL;
    regions->regions = malloc((max + SPARE) * sizeof *regions->regions); /* not calloc: most is never touched */
    if (regions->regions == NULL)
        return -ENOMEM;
    regions->start = start;
    regions->end = end;
    regions->max = max;
    regions->last_id = STRANGE;
    regions->regions[0] = gap(start, end, whole);
    regions->count = 1;
    changed(regions);
    return 0;
}

void nw_regions_fini(struct nw_regions *regions)
{
    free(regions->regions);
    memset(regions, 0, sizeof *regions);
}

/* Index of the entry that holds `address`, or of the first above it; `count` when there is none. */
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

const struct nw_region *nw_regions_at(const struct nw_regions *regions, uintptr_t address)
{
    return address >= regions->start && address < regions->end ? &regions->regions[index_from(regions, address)] : NULL;
}

const struct nw_region *nw_regions_find(const struct nw_regions *regions, uintptr_t address)
{
    const struct nw_region *region = nw_regions_at(regions, address);

    return region != NULL && region->kind != NW_REGION_GAP ? region : NULL;
}

static bool is_own(const struct nw_region *region)
{
    return region->origin.id == 0 && region->origin.offset == region->start;
}

struct nw_region_origin nw_regions_new_origin(struct nw_regions *regions, bool joins, bool host)
{
    return (struct nw_region_origin){.id = ++regions->last_id, .joins = joins, .host = host};
}

bool nw_regions_is_own(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    if (check_range(regions, start, length) != 0)
        return false;
    for (size_t i = index_from(regions, start); i < regions->count && regions->regions[i].start < start + length; i++)
        if (!is_own(&regions->regions[i]))
            return false;
    return true;
}

bool nw_regions_is_untouched(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    if (!nw_regions_is_own(regions, start, length))
        return false;
    for (size_t i = index_from(regions, start); i < regions->count && regions->regions[i].start < start + length; i++)
        if (regions->regions[i].charged)
            return false;
    return true;
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
        if (region->start > at || region->kind == NW_REGION_GAP || (region->prot & prot) != prot)
            return false;
        if (region->end >= end)
            return true;
        at = region->end;
    }
    return false;
}

/* The entries that a range touches, and what they charge of it. */
struct extent {
    size_t first, last; /* regions[first..last) */
    bool mapped;        /* no part of it is a gap */
    uint64_t charged;
};

static struct extent measure(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    uintptr_t end = start + length;
    struct extent extent = {.first = index_from(regions, start), .mapped = true};

    extent.last = extent.first;
    for (; extent.last < regions->count && regions->regions[extent.last].start < end; extent.last++) {
        const struct nw_region *region = &regions->regions[extent.last];
        uintptr_t from = region->start < start ? start : region->start;
        uintptr_t to = region->end > end ? end : region->end;
        extent.mapped = extent.mapped && region->kind != NW_REGION_GAP;
        extent.charged += region->charged ? to - from : 0;
    }
    return extent;
}

bool nw_regions_is_charged(const struct nw_regions *regions, uintptr_t start, size_t length)
{
    return check_range(regions, start, length) == 0 && measure(regions, start, length).charged > 0;
}

/* Whether the kernel has made `b`, which follows `a`, one mapping with it. */
static bool can_merge(const struct nw_region *a, const struct nw_region *b)
{
    if (a->kind == NW_REGION_GAP || b->kind == NW_REGION_GAP)
        return a->kind == b->kind;
    return a->prot == b->prot && a->kind == b->kind && a->charged == b->charged && a->origin.joins && b->origin.joins &&
           a->origin.id == b->origin.id && a->origin.host == b->origin.host &&
           a->origin.offset + (a->end - a->start) == b->origin.offset;
}

/* A gap is the range's own as soon as a part of it is: the kernel joins both, since the rest has no anon_vma. */
static void join(struct nw_region *a, const struct nw_region *b)
{
    a->end = b->end;
    if (a->kind == NW_REGION_GAP && b->origin.id == 0)
        a->origin = (struct nw_region_origin){.offset = a->start, .joins = true};
}

/* The part of a region from `from` to `to`. */
static struct nw_region part_of(const struct nw_region *region, uintptr_t from, uintptr_t to)
{
    struct nw_region part = *region;

    part.origin.offset += from - part.start;
    part.start = from;
    part.end = to;
    return part;
}

/* A private mapping of a file that may have been written has an anon_vma, perhaps not its neighbour's: not joined. */
static void set_prot(struct nw_region *region, int prot)
{
    region->prot = (uint8_t)prot;
    region->charged = region->charged || is_charged((enum nw_region_kind)region->kind, prot);
    if (region->kind == NW_REGION_FILE && region->charged)
        region->origin.joins = false;
}

/* A change to a range: it becomes `with`, or, if that is NULL, its parts get the rights `prot`. */
struct change {
    uintptr_t start, end;
    const struct nw_region *with;
    int prot;
};

/* Entries in a row, as the kernel would count them. */
struct tally {
    size_t count;
    struct nw_region last;
};

static void tally(struct tally *t, const struct nw_region *part)
{
    if (t->count > 0 && can_merge(&t->last, part)) {
        join(&t->last, part);
    } else {
        t->last = *part;
        t->count++;
    }
}

static void tally_changed(struct tally *t, const struct nw_region *region, const struct change *c)
{
    uintptr_t from = region->start > c->start ? region->start : c->start;
    uintptr_t to = region->end < c->end ? region->end : c->end;
    struct nw_region part;

    if (from >= to) {
        tally(t, region);
        return;
    }
    if (region->start < from) {
        part = part_of(region, region->start, from);
        tally(t, &part);
    }
    part = part_of(region, from, to);
    if (c->with == NULL)
        set_prot(&part, c->prot);
    if (c->with == NULL || from == c->start)
        tally(t, c->with != NULL ? c->with : &part);
    if (to < region->end) {
        part = part_of(region, to, region->end);
        tally(t, &part);
    }
}

static int count_changed(const struct nw_regions *regions, const struct extent *extent, const struct change *c,
                         size_t *count)
{
    size_t first = extent->first > 0 ? extent->first - 1 : 0;
    size_t last = extent->last < regions->count ? extent->last + 1 : regions->count;
    struct tally t = {0};

    for (size_t i = first; i < last; i++)
        tally_changed(&t, &regions->regions[i], c);
    *count = regions->count - (last - first) + t.count;
    return *count > regions->max ? -ENOMEM : 0;
}

static struct nw_region added(uintptr_t start, size_t length, int prot, enum nw_region_kind kind,
                              const struct nw_region_origin *origin)
{
    const struct nw_region_origin own = {.offset = start, .joins = true};
    struct nw_region region = {.start = start, .end = start + length, .origin = *(origin != NULL ? origin : &own)};

    region.kind = (uint8_t)kind;
    set_prot(&region, prot);
    return region;
}

int nw_regions_cost_of_add(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                           enum nw_region_kind kind, const struct nw_region_origin *origin,
                           struct nw_regions_cost *cost)
{
    if (check_range(regions, start, length) != 0 || (prot & ~PROT_ALL) || (unsigned int)kind >= NW_REGION_KINDS)
        return -EINVAL;
    if (origin == NULL && !nw_regions_is_own(regions, start, length))
        return -EINVAL;
    int error = check_prot(kind, prot);
    if (error != 0)
        return error;
    struct extent extent = measure(regions, start, length);
    struct nw_region region = added(start, length, prot, kind, origin);
    cost->charged = regions->charged - extent.charged + (region.charged ? length : 0);
    return count_changed(regions, &extent, &(struct change){start, start + length, &region, 0}, &cost->count);
}

int nw_regions_cost_of_remove(const struct nw_regions *regions, uintptr_t start, size_t length, bool in_place,
                              struct nw_regions_cost *cost)
{
    if (check_range(regions, start, length) != 0 || (in_place && !nw_regions_is_own(regions, start, length)))
        return -EINVAL;
    struct extent extent = measure(regions, start, length);
    struct nw_region left = gap(start, start + length, in_place);
    cost->charged = regions->charged - extent.charged;
    return count_changed(regions, &extent, &(struct change){start, start + length, &left, 0}, &cost->count);
}

/* Shortens the range by what has the rights already at either end, so that no region is cut there for nothing. */
static void leave_unchanged(const struct nw_regions *regions, uintptr_t *start, uintptr_t *end, int prot)
{
    size_t i = index_from(regions, *start);

    for (; *start < *end && regions->regions[i].prot == prot; i++)
        *start = regions->regions[i].end < *end ? regions->regions[i].end : *end;
    i = index_from(regions, *end - 1);
    for (; *start < *end && regions->regions[i].prot == prot; i--)
        *end = regions->regions[i].start;
}

int nw_regions_cost_of_prot(const struct nw_regions *regions, uintptr_t start, size_t length, int prot,
                            struct nw_regions_cost *cost)
{
    if (check_range(regions, start, length) != 0 || (prot & ~PROT_ALL))
        return -EINVAL;
    uintptr_t end = start + length;
    struct extent extent = measure(regions, start, length);
    if (!extent.mapped)
        return -ENOMEM;
    cost->charged = regions->charged - extent.charged;
    for (size_t i = extent.first; i < extent.last; i++) {
        const struct nw_region *region = &regions->regions[i];
        int error = check_prot((enum nw_region_kind)region->kind, prot);
        if (error != 0)
            return error;
        if (!region->charged && !is_charged((enum nw_region_kind)region->kind, prot))
            continue;
        uintptr_t from = region->start < start ? start : region->start;
        uintptr_t to = region->end > end ? end : region->end;
        cost->charged += to - from;
    }
    leave_unchanged(regions, &start, &end, prot);
    extent = measure(regions, start, end - start);
    return count_changed(regions, &extent, &(struct change){start, end, NULL, prot}, &cost->count);
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
    region[1] = part_of(region, address, region->end);
    region[0].end = address;
}

/* Replaces regions[first..last) by `region`, or by nothing. */
static void replace(struct nw_regions *regions, size_t first, size_t last, const struct nw_region *region)
{
    size_t put = region != NULL ? 1 : 0;
    struct nw_region *at = &regions->regions[first];

    memmove(at + put, &regions->regions[last], (regions->count - last) * sizeof *at);
    regions->count = regions->count - (last - first) + put;
    if (region != NULL)
        *at = *region;
}

/* Joins neighbours among regions[first - 1 .. last] where the kernel does. */
static void merge(struct nw_regions *regions, size_t first, size_t last)
{
    size_t kept = first == 0 ? 0 : first - 1;
    size_t end = last + 1 < regions->count ? last + 1 : regions->count;

    if (kept >= end)
        return;
    for (size_t i = kept + 1; i < end; i++) {
        struct nw_region *region = &regions->regions[i];
        if (can_merge(&regions->regions[kept], region))
            join(&regions->regions[kept], region);
        else
            regions->regions[++kept] = *region;
    }
    replace(regions, kept + 1, end, NULL);
}

/* Puts `region` where it says, in place of what was there. */
static void put(struct nw_regions *regions, const struct nw_region *region)
{
    cut(regions, region->start);
    cut(regions, region->end);
    struct extent extent = measure(regions, region->start, region->end - region->start);
    replace(regions, extent.first, extent.last, region);
    merge(regions, extent.first, extent.first + 1);
}

int nw_regions_add(struct nw_regions *regions, uintptr_t start, size_t length, int prot, enum nw_region_kind kind,
                   const struct nw_region_origin *origin)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_add(regions, start, length, prot, kind, origin, &cost);

    if (error != 0)
        return error;
    struct nw_region region = added(start, length, prot, kind, origin);
    put(regions, &region);
    regions->charged = cost.charged;
    changed(regions);
    return 0;
}

int nw_regions_remove(struct nw_regions *regions, uintptr_t start, size_t length, bool in_place)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_remove(regions, start, length, in_place, &cost);

    if (error != 0)
        return error;
    struct nw_region left = gap(start, start + length, in_place);
    put(regions, &left);
    regions->charged = cost.charged;
    changed(regions);
    return 0;
}

int nw_regions_set_prot(struct nw_regions *regions, uintptr_t start, size_t length, int prot)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_prot(regions, start, length, prot, &cost);
    uintptr_t end = start + length;

    if (error != 0)
        return error;
    leave_unchanged(regions, &start, &end, prot);
    if (start == end)
        return 0;
    cut(regions, start);
    cut(regions, end);
    struct extent extent = measure(regions, start, end - start);
    for (size_t i = extent.first; i < extent.last; i++)
        set_prot(&regions->regions[i], prot);
    merge(regions, extent.first, extent.last);
    regions->charged = cost.charged;
    changed(regions);
    return 0;
}

int nw_regions_cost_of_restore(const struct nw_regions *regions, const struct nw_region *region,
                               struct nw_regions_cost *cost)
{
    const uintptr_t start = region->start, end = region->end;

    if (start >= end || check_range(regions, start, end - start) != 0 ||
        (region->origin.id == 0 && !nw_regions_is_own(regions, start, end - start)))
        return -EINVAL;
    struct extent extent = measure(regions, start, end - start);
    cost->charged = regions->charged - extent.charged + (region->charged ? end - start : 0);
    return count_changed(regions, &extent, &(struct change){start, end, region, 0}, &cost->count);
}

int nw_regions_restore(struct nw_regions *regions, const struct nw_region *region)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_restore(regions, region, &cost);

    if (error != 0)
        return error;
    put(regions, region);
    regions->charged = cost.charged;
    changed(regions);
    return 0;
}

static bool region_is_valid(const struct nw_region *region)
{
    if (!is_aligned(region->start) || !is_aligned(region->end) || region->end <= region->start)
        return false;
    if (region->kind == NW_REGION_GAP)
        return region->prot == PROT_NONE && !region->charged && region->origin.id <= STRANGE;
    return check_prot((enum nw_region_kind)region->kind, region->prot) == 0 &&
           (region->charged || !is_charged((enum nw_region_kind)region->kind, region->prot));
}

bool nw_regions_is_valid(const struct nw_regions *regions)
{
    uint64_t charged = 0;
    uintptr_t end = regions->start;

    for (size_t i = 0; i < regions->count; i++) {
        const struct nw_region *region = &regions->regions[i];
        if (region->start != end || !region_is_valid(region))
            return false;
        if (i > 0 && can_merge(region - 1, region))
            return false;
        end = region->end;
        charged += region->charged ? region->end - region->start : 0;
    }
    return end == regions->end && charged == regions->charged && regions->count <= regions->max;
}

int nw_regions_load(struct nw_regions *regions, const struct nw_region *list, size_t count, uint64_t last_id)
{
    struct nw_regions loaded = *regions;

    if (count == 0 || count > regions->max || regions->count != 1 || !is_own(&regions->regions[0]))
        return -EINVAL;
    loaded.regions = (struct nw_region *)list; /* only to be looked at */
    loaded.count = count;
    loaded.charged = 0;
    for (size_t i = 0; i < count; i++)
        loaded.charged += list[i].charged ? list[i].end - list[i].start : 0;
    if (!nw_regions_is_valid(&loaded))
        return -EINVAL;
    memcpy(regions->regions, list, count * sizeof *list);
    regions->count = count;
    regions->charged = loaded.charged;
    regions->last_id = last_id;
    return 0;
}
