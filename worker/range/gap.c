/* Where new memory of a domain goes (region.h). */
#include "worker/range/region.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    if (start < regions->start || start >= regions->end)
        return false;
    const struct nw_region *region = nw_regions_at(regions, start);
    return region->kind == NW_REGION_GAP && region->end - start >= length;
}

int nw_regions_find_gap(const struct nw_regions *regions, size_t length, size_t alignment, uintptr_t hint,
                        enum nw_region_order order, uintptr_t *address)
{
    if (length == 0 || (length & (NW_REGION_PAGE - 1)) != 0 || alignment < NW_REGION_PAGE ||
        (alignment & (alignment - 1)) != 0)
        return -EINVAL;
    if ((hint & (alignment - 1)) == 0 && is_free(regions, hint, length)) {
        *address = hint;
        return 0;
    }
    for (size_t n = 0; n < regions->count; n++) {
        const struct nw_region *region = &regions->regions[order == NW_REGION_TOP_DOWN ? regions->count - 1 - n : n];
        if (region->kind == NW_REGION_GAP && fit(region->start, region->end, length, alignment, order, address))
            return 0;
    }
    return -ENOMEM;
}
