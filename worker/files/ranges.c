/* See ranges.h. */
#include "worker/files/ranges.h"
#include "common/base/valid.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_STEP 16

void nw__ranges_fini(struct nw_ranges *ranges)
{
    free(ranges->list);
    *ranges = (struct nw_ranges){0};
}

int nw__ranges_reserve(struct nw_ranges *ranges)
{
    struct nw_range *list;

    if (ranges->n + NW_RANGES_GROWTH <= ranges->room)
        return 0;
    list = realloc(ranges->list, (ranges->room + ROOM_STEP) * sizeof(*list));
    if (!list)
        return -ENOMEM;
    ranges->list = list;
    ranges->room += ROOM_STEP;
    return 0;
}

/* What a change does to those that it touches: first..last become `n` others. */
struct change {
    size_t first, last, n; /* last is behind the last */
    struct nw_range now[1 + NW_RANGES_GROWTH];
};

static bool joins(const struct nw_range *range, const struct nw_range *set)
{
    return range->type == set->type && range->last >= set->start - (set->start > 0) &&
           range->start <= set->last + (set->last < INT64_MAX);
}

static bool overlaps(const struct nw_range *range, const struct nw_range *set)
{
    return range->last >= set->start && range->start <= set->last;
}

static struct change plan(const struct nw_ranges *ranges, const struct nw_range *set)
{
    struct change c = {0};
    struct nw_range whole = *set, before = {0}, after = {0};
    bool has_before = false, has_after = false;

    while (c.first < ranges->n && ranges->list[c.first].last < set->start && !joins(&ranges->list[c.first], set))
        c.first++;
    for (c.last = c.first; c.last < ranges->n; c.last++) {
        const struct nw_range *r = &ranges->list[c.last];

        if (!joins(r, set) && !overlaps(r, set))
            break;
        if (r->type == set->type) {
            whole.start = r->start < whole.start ? r->start : whole.start;
            whole.last = r->last > whole.last ? r->last : whole.last;
            continue;
        }
        if (r->start < set->start) {
            has_before = true;
            before = (struct nw_range){r->start, set->start - 1, r->type};
        }
        if (r->last > set->last) {
            has_after = true;
            after = (struct nw_range){set->last + 1, r->last, r->type};
        }
    }
    if (has_before)
        c.now[c.n++] = before;
    if (set->type != F_UNLCK)
        c.now[c.n++] = whole;
    if (has_after)
        c.now[c.n++] = after;
    return c;
}

size_t nw__ranges_after(const struct nw_ranges *ranges, const struct nw_range *set)
{
    struct change c = plan(ranges, set);

    return ranges->n - (c.last - c.first) + c.n;
}

void nw__ranges_set(struct nw_ranges *ranges, const struct nw_range *set)
{
    struct change c = plan(ranges, set);

    if (c.last < ranges->n)
        memmove(ranges->list + c.first + c.n, ranges->list + c.last, (ranges->n - c.last) * sizeof(*set));
    if (c.n)
        memcpy(ranges->list + c.first, c.now, c.n * sizeof(*set));
    ranges->n = ranges->n - (c.last - c.first) + c.n;
    nw_check_valid(nw_ranges, ranges);
}

bool nw_ranges_is_valid(const struct nw_ranges *ranges)
{
    if (ranges->n > ranges->room)
        return false;
    for (size_t i = 0; i < ranges->n; i++) {
        const struct nw_range *r = &ranges->list[i];

        if (r->start > r->last || r->last > INT64_MAX || (r->type != F_RDLCK && r->type != F_WRLCK))
            return false;
        if (i > 0 && (r->start <= r[-1].last || joins(&r[-1], r)))
            return false;
    }
    return true;
}
