/*
 * The payload allocator of arena.h: two-level segregated free lists with boundary tags (TLSF), so that allocation and
 * release are a handful of steps at any size and a released block merges with its free neighbours at once.
 *
 * The arena is counted in units of 64 bytes. `tags` has one entry per unit, of which those at the start of a block
 * count; `live` is never set in any other, so a release names a live block exactly when its entry says so. Blocks tile
 * the arena: tag[i].units leads to the next block, tag[i].before to the one in front. No two free blocks are
 * neighbours.
 */
#include "common/shm/arena.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define UNIT       64
#define MAX_UNITS  (1u << 30)
#define ROW_BITS   4 /* each power of two is split into 16 lists */
#define ROW_LISTS  (1u << ROW_BITS)
#define ROWS       (32 - ROW_BITS)
#define NONE       UINT32_MAX
#define LARGE      1024 /* units: blocks from here on are cut from the far end of a free block */
#define MAX_SEARCH 64   /* blocks looked at in the list where not every block fits */

struct tag {
    uint32_t units : 31;
    uint32_t live : 1;
    uint32_t before; /* units of the block in front; 0 for the first */
    uint32_t next;   /* neighbours in the free list, NONE at its ends; free blocks only */
    uint32_t prev;
};

struct nw_arena {
    unsigned char *base;
    uint32_t units;
    uint32_t live_units;
    uint32_t rows;        /* bit r: some list of row r has a block */
    uint16_t lists[ROWS]; /* bit l: list l of the row has a block */
    uint32_t heads[ROWS][ROW_LISTS];
    struct tag *tags;
};

struct place {
    uint32_t row, list;
};

/* Row 0 has a list for each of 0 to 15 units; row r > 0 splits [2^(r+3), 2^(r+4)) evenly. */
static struct place place_of(uint32_t units)
{
    if (units < ROW_LISTS)
        return (struct place){0, units};
    uint32_t log = 31 - (uint32_t)__builtin_clz(units);
    return (struct place){log - ROW_BITS + 1, (units >> (log - ROW_BITS)) & (ROW_LISTS - 1)};
}

static void insert_free(struct nw_arena *a, uint32_t at)
{
    struct tag *tag = &a->tags[at];
    struct place p = place_of(tag->units);
    uint32_t head = a->heads[p.row][p.list];
    tag->live = 0;
    tag->prev = NONE;
    tag->next = head;
    if (head != NONE)
        a->tags[head].prev = at;
    a->heads[p.row][p.list] = at;
    a->lists[p.row] |= (uint16_t)(1u << p.list);
    a->rows |= 1u << p.row;
}

static void remove_free(struct nw_arena *a, uint32_t at)
{
    struct tag *tag = &a->tags[at];
    struct place p = place_of(tag->units);
    if (tag->next != NONE)
        a->tags[tag->next].prev = tag->prev;
    if (tag->prev != NONE) {
        a->tags[tag->prev].next = tag->next;
        return;
    }
    a->heads[p.row][p.list] = tag->next;
    if (tag->next != NONE)
        return;
    a->lists[p.row] &= (uint16_t) ~(1u << p.list);
    if (!a->lists[p.row])
        a->rows &= ~(1u << p.row);
}

/* Writes the tag of a block and tells the block behind it. */
static void set_block(struct nw_arena *a, uint32_t at, uint32_t units, uint32_t before)
{
    a->tags[at].units = units & 0x7fffffff;
    a->tags[at].before = before;
    if (at + units < a->units)
        a->tags[at + units].before = units;
}

struct nw_arena *nw_arena_new(void *base, size_t size)
{
    if (!size || size % 4096 || size / UNIT > MAX_UNITS) {
        errno = EINVAL;
        return NULL;
    }
    struct nw_arena *a = calloc(1, sizeof *a);
    struct tag *tags = calloc(size / UNIT, sizeof *tags);
    if (!a || !tags) {
        free(a);
        free(tags);
        errno = ENOMEM;
        return NULL;
    }
    a->base = base;
    a->units = (uint32_t)(size / UNIT);
    a->tags = tags;
    for (int row = 0; row < ROWS; row++)
        for (unsigned list = 0; list < ROW_LISTS; list++)
            a->heads[row][list] = NONE;
    set_block(a, 0, a->units, 0);
    insert_free(a, 0);
    return a;
}

void nw_arena_free(struct nw_arena *arena)
{
    if (!arena)
        return;
    free(arena->tags);
    free(arena);
}

/* The first non-empty list at or behind `p`, or NONE. */
static uint32_t first_block(const struct nw_arena *a, struct place p)
{
    uint32_t lists = a->lists[p.row] & (0xffffu << p.list);
    if (!lists) {
        uint32_t rows = a->rows & ~((2u << p.row) - 1);
        if (!rows)
            return NONE;
        p.row = (uint32_t)__builtin_ctz(rows);
        lists = a->lists[p.row];
    }
    return a->heads[p.row][__builtin_ctz(lists)];
}

/* A free block of at least `units`. Looks first where every block fits, then among those of about this size. */
static uint32_t find_free(const struct nw_arena *a, uint32_t units)
{
    uint32_t rounded = units;
    if (units >= ROW_LISTS)
        rounded += (1u << (31 - __builtin_clz(units) - ROW_BITS)) - 1;
    uint32_t at = first_block(a, place_of(rounded));
    if (at != NONE)
        return at;
    struct place p = place_of(units);
    at = a->heads[p.row][p.list];
    for (int i = 0; at != NONE && a->tags[at].units < units; at = a->tags[at].next)
        if (++i == MAX_SEARCH)
            return NONE;
    return at;
}

/* Cuts `units` off a block that is in no list, frees what is left, returns where the cut piece begins. */
static uint32_t split(struct nw_arena *a, uint32_t at, uint32_t units)
{
    uint32_t rest = a->tags[at].units - units;
    uint32_t before = a->tags[at].before;
    if (!rest)
        return at;
    /* Small blocks gather at the low end and large ones at the high end, so that small ones that live long do not
     * break up the room for large ones. */
    if (units >= LARGE) {
        set_block(a, at, rest, before);
        set_block(a, at + rest, units, rest);
        insert_free(a, at);
        return at + rest;
    }
    set_block(a, at, units, before);
    set_block(a, at + units, rest, units);
    insert_free(a, at + units);
    return at;
}

static uint32_t units_of(size_t length)
{
    return (uint32_t)((length + UNIT - 1) / UNIT);
}

int nw_arena_alloc(struct nw_arena *arena, size_t length, uint64_t *offset)
{
    if (!length)
        return -EINVAL;
    if (length > (size_t)arena->units * UNIT)
        return -E2BIG;
    uint32_t units = units_of(length);
    uint32_t at = find_free(arena, units);
    if (at == NONE)
        return -ENOMEM;
    remove_free(arena, at);
    at = split(arena, at, units);
    arena->tags[at].live = 1;
    arena->live_units += units;
    *offset = (uint64_t)at * UNIT;
    return 0;
}

/* Whether a live block starts at `offset`, which may be any number at all. */
static bool is_live(const struct nw_arena *arena, uint64_t offset)
{
    return offset % UNIT == 0 && offset / UNIT < arena->units && arena->tags[offset / UNIT].live;
}

int nw_arena_release(struct nw_arena *arena, uint64_t offset)
{
    if (!is_live(arena, offset))
        return -EINVAL;
    struct tag *tags = arena->tags;
    uint32_t at = (uint32_t)(offset / UNIT);
    uint32_t units = tags[at].units, before = tags[at].before;
    arena->live_units -= units;

    uint32_t behind = at + units;
    if (behind < arena->units && !tags[behind].live) {
        remove_free(arena, behind);
        units += tags[behind].units;
    }
    if (before && !tags[at - before].live) {
        tags[at].live = 0;
        at -= before;
        remove_free(arena, at);
        units += tags[at].units;
        before = tags[at].before;
    }
    set_block(arena, at, units, before);
    insert_free(arena, at);
    return 0;
}

/* What is given back is a block of its own for a moment. */
int nw_arena_shrink(struct nw_arena *arena, uint64_t offset, size_t length)
{
    if (!length || !is_live(arena, offset))
        return -EINVAL;
    uint32_t at = (uint32_t)(offset / UNIT), units = arena->tags[at].units;
    if (length > (size_t)(units - 1) * UNIT)
        return 0;
    uint32_t kept = units_of(length);
    set_block(arena, at, kept, arena->tags[at].before);
    set_block(arena, at + kept, units - kept, kept);
    arena->tags[at + kept].live = 1;
    return nw_arena_release(arena, (uint64_t)(at + kept) * UNIT);
}

size_t nw_arena_block_size(const struct nw_arena *arena, uint64_t offset)
{
    return is_live(arena, offset) ? (size_t)arena->tags[offset / UNIT].units * UNIT : 0;
}

void *nw_arena_at(const struct nw_arena *arena, uint64_t offset)
{
    return arena->base + offset;
}

size_t nw_arena_used(const struct nw_arena *arena)
{
    return (size_t)arena->live_units * UNIT;
}
