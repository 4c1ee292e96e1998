/* See code.h. */
#include "worker/audit/code.h"

static bool within(const struct nw_scan_hit *hit, const struct nw__code_range *range)
{
    return hit->offset >= range->start && hit->offset + hit->length <= range->end;
}

static bool overlaps(const struct nw_scan_hit *hit, const struct nw__code_range *range)
{
    return hit->offset < range->end && hit->offset + hit->length > range->start;
}

enum nw__code_part nw__code_part(const struct nw__code_map *map, const struct nw_scan_hit *hit)
{
    for (size_t i = 0; i < map->n_dead; i++) {
        if (within(hit, &map->dead[i]))
            return NW__CODE_DEAD;
        if (overlaps(hit, &map->dead[i]))
            return NW__CODE_ALIVE;
    }
    return within(hit, &map->gate) ? NW__CODE_GATE : NW__CODE_ALIVE;
}
