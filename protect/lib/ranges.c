/* The record of which pages have which virtual key: an array sorted by address, and chains by key. */
#include "protect/lib/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A range that is put into the middle of another makes two more. */
#define NEEDED_PER_CHANGE 2

void nw__ranges_fini(struct nw__ranges *ranges)
{
    for (size_t i = 0; i < ranges->count; i++)
        free(ranges->sorted[i]);
    for (struct nw__range *spare = ranges->spare, *next; spare != NULL; spare = next) {
        next = spare->next;
        free(spare);
    }
    free(ranges->sorted);
    memset(ranges, 0, sizeof *ranges);
}

static int reserve(struct nw__ranges *ranges)
{
    if (ranges->count + NEEDED_PER_CHANGE <= ranges->capacity)
        return 0;
    size_t capacity = ranges->capacity * 2 + 16;
    struct nw__range **sorted = realloc(ranges->sorted, capacity * sizeof(struct nw__range *));
    if (sorted == NULL)
        return -ENOMEM;
    ranges->sorted = sorted;
    ranges->capacity = capacity;
    return 0;
}

int nw__ranges_prepare(struct nw__ranges *ranges)
{
    int spares = 0;

    for (const struct nw__range *spare = ranges->spare; spare != NULL; spare = spare->next)
        spares++;
    for (; spares < NEEDED_PER_CHANGE; spares++) {
        struct nw__range *spare = calloc(1, sizeof *spare);
        if (spare == NULL)
            return -ENOMEM;
        spare->next = ranges->spare;
        ranges->spare = spare;
    }
    return reserve(ranges);
}

static struct nw__range **chain_of(struct nw__ranges *ranges, nw_vkey vkey)
{
    return &ranges->chains[vkey % NW__RANGE_CHAINS];
}

static void link_range(struct nw__ranges *ranges, struct nw__range *range)
{
    struct nw__range **chain = chain_of(ranges, range->vkey);

    range->previous = NULL;
    range->next = *chain;
    if (*chain != NULL)
        (*chain)->previous = range;
    *chain = range;
}

static void unlink_range(struct nw__ranges *ranges, const struct nw__range *range)
{
    if (range->previous != NULL)
        range->previous->next = range->next;
    else
        *chain_of(ranges, range->vkey) = range->next;
    if (range->next != NULL)
        range->next->previous = range->previous;
}

static void insert(struct nw__ranges *ranges, size_t at, const struct nw__range *values)
{
    struct nw__range *range = ranges->spare;

    ranges->spare = range->next;
    *range = *values;
    memmove(&ranges->sorted[at + 1], &ranges->sorted[at], (ranges->count - at) * sizeof *ranges->sorted);
    ranges->sorted[at] = range;
    ranges->count++;
    link_range(ranges, range);
}

static void erase(struct nw__ranges *ranges, size_t at)
{
    struct nw__range *range = ranges->sorted[at];

    unlink_range(ranges, range);
    ranges->count--;
    memmove(&ranges->sorted[at], &ranges->sorted[at + 1], (ranges->count - at) * sizeof *ranges->sorted);
    free(range);
}

size_t nw__ranges_above(const struct nw__ranges *ranges, uintptr_t address)
{
    size_t low = 0, high = ranges->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->sorted[middle]->end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Removes [start, end) from what is recorded. The index at which it would be inserted. */
static size_t cut(struct nw__ranges *ranges, uintptr_t start, uintptr_t end)
{
    size_t at = nw__ranges_above(ranges, start);

    if (at < ranges->count && ranges->sorted[at]->start < start) {
        struct nw__range right = *ranges->sorted[at];
        ranges->sorted[at]->end = start;
        at++;
        if (right.end > end) {
            right.start = end;
            insert(ranges, at, &right);
        }
    }
    while (at < ranges->count && ranges->sorted[at]->end <= end)
        erase(ranges, at);
    if (at < ranges->count && ranges->sorted[at]->start < end)
        ranges->sorted[at]->start = end;
    return at;
}

void nw__ranges_assign(struct nw__ranges *ranges, uintptr_t start, uintptr_t end, int protection, nw_vkey vkey)
{
    size_t at = cut(ranges, start, end);

    if (vkey != 0)
        insert(ranges, at, &(struct nw__range){.start = start, .end = end, .protection = protection, .vkey = vkey});
}

void nw__ranges_forget(struct nw__ranges *ranges, nw_vkey vkey)
{
    for (size_t i = ranges->count; i-- > 0;) {
        if (ranges->sorted[i]->vkey == vkey)
            erase(ranges, i);
    }
}

/* The next of a chain, which other keys share, that has this key. */
static const struct nw__range *skip_others(const struct nw__range *range, nw_vkey vkey)
{
    while (range != NULL && range->vkey != vkey)
        range = range->next;
    return range;
}

const struct nw__range *nw__ranges_first(const struct nw__ranges *ranges, nw_vkey vkey)
{
    return skip_others(ranges->chains[vkey % NW__RANGE_CHAINS], vkey);
}

const struct nw__range *nw__ranges_next(const struct nw__range *range)
{
    return skip_others(range->next, range->vkey);
}
