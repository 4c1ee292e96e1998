/*
 * mremap. Memory that becomes longer and finds no room behind it goes elsewhere: the kernel moves its pages, which
 * leaves the place they come from mapped, so nothing else can land there before it is reserved again. The key moves
 * along. Little memory is copied instead, and is of one piece afterwards. What lies in many pieces, or may hang on
 * several anon_vmas (region.h), is not moved: malloc then copies it itself, on the domain's own time.
 *
 * A move is done in small pieces, and in between other threads of the domain may change both places; so each piece
 * checks again what is there.
 */
#include "common/base/log.h"
#include "protect/gate/gate.h"
#include "worker/base/limits.h"
#include "worker/memory/calls.h"
#include "worker/memory/memory.h"
#include "worker/range/pages.h"
#include "worker/range/region.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define RW           (PROT_READ | PROT_WRITE)
#define TABLE_SPAN   (2ul << 20) /* of a page table; whole ones are moved where both places lie in them alike */
#define MOVE_PIECE   TABLE_SPAN
#define COPY_MOST    (64ul << 10) /* up to which a copy takes no longer than a move */
#define REGIONS_MOST 8            /* memory in more of them is not moved */

struct move {
    uint64_t from, to, length;
};

/* Whether the range is memory that may become longer, and whether its pages can be moved. Lock held. */
static bool is_plain(const struct nw_memory *memory, uint64_t start, uint64_t length, bool *movable)
{
    size_t regions = 0;

    *movable = true;
    for (uint64_t at = start; at < start + length; regions++) {
        const struct nw_region *r = nw_regions_find(&memory->regions, at);

        if (!r || r->kind != NW_REGION_ANON || r->prot != RW)
            return false;
        *movable = *movable && r->origin.joins && regions < REGIONS_MOST;
        at = r->end;
    }
    return true;
}

/* A place for the longer memory, if possible at the same offset in a page table as the old. Lock held. */
static int find_place(const struct nw_memory *memory, uint64_t old, uint64_t length, uint64_t *to)
{
    int error = nw_regions_find_gap(&memory->regions, length + TABLE_SPAN, NW_PAGE_SIZE, 0, NW_REGION_TOP_DOWN, to);

    if (!error) {
        *to += (old - *to) % TABLE_SPAN;
        return 0;
    }
    return nw_regions_find_gap(&memory->regions, length, NW_PAGE_SIZE, 0, NW_REGION_TOP_DOWN, to);
}

/* Takes the new place: inaccessible where pages will be moved to, readable and writable behind that. Lock held. */
static int take_place(struct nw_memory *memory, struct move *m, uint64_t length)
{
    int error = find_place(memory, m->from, length, &m->to);
    long at;

    if (error)
        return error;
    at = nw__memory_map_data(memory, m->to, m->length, PROT_NONE, MAP_FIXED, NULL, 0);
    if (at >= 0) {
        at = nw__memory_map_data(memory, m->to + m->length, length - m->length, RW, MAP_FIXED, NULL, 0);
        if (at < 0)
            nw__memory_unmap_now(memory, m->to, m->length);
    }
    return at < 0 ? (int)at : 0;
}

/* A move that failed may have unmapped the new place, which is then reserved again. If something is there now, nobody
 * knows whether it is the old reservation or what another thread of the process has mapped: the process ends. */
static int take_back(uint64_t to, uint64_t length, int error)
{
    if (mmap((void *)to, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) ==
        MAP_FAILED)
        nw_die_system("cannot move memory of a function: %s", strerror(error));
    return -error;
}

/* Lock held. */
static int move_piece(struct nw_memory *memory, uint64_t from, uint64_t to, uint64_t length,
                      struct nw_region_origin origin)
{
    struct nw_regions_cost most = {.charged = 0, .count = memory->regions.count + 4};
    int error = most.count > memory->regions.max ? -ENOMEM : nw_memory_admit(memory, &most);

    if (!error && mremap((void *)from, length, length, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, (void *)to) ==
                      MAP_FAILED)
        error = take_back(to, length, errno);
    if (!error && nw_pages_reserve_again(from, length) < 0)
        nw_die_system("cannot reserve a place that memory was moved from: %s", strerror(errno));
    if (!error)
        error = nw_regions_remove(&memory->regions, from, length, false);
    if (!error)
        error = nw_regions_add(&memory->regions, to, length, RW, NW_REGION_ANON, &origin);
    nw_memory_settle(memory);
    return error;
}

/* Moves the next piece, which lies in one region and in one page table of the old place. Lock held. */
static int move_next(struct nw_memory *memory, const struct move *m, uint64_t *done)
{
    uint64_t from = m->from + *done, to = m->to + *done, n = m->length - *done;
    const struct nw_region *source = nw_regions_find(&memory->regions, from),
                           *target = nw_regions_find(&memory->regions, to);
    struct nw_region_origin origin;
    int error;

    if (!source || source->kind != NW_REGION_ANON || source->prot != RW || !source->origin.joins)
        return -EFAULT;
    n = n < MOVE_PIECE - from % MOVE_PIECE ? n : MOVE_PIECE - from % MOVE_PIECE;
    n = n < source->end - from ? n : source->end - from;
    if (!target || target->kind != NW_REGION_ANON || target->prot != PROT_NONE || target->end - to < n)
        return -EFAULT;
    origin = source->origin;
    origin.offset += from - source->start;
    error = move_piece(memory, from, to, n, origin);
    *done += error ? 0 : n;
    return error;
}

static long move(struct nw_memory *memory, uint64_t old, uint64_t old_length, uint64_t length)
{
    struct move m = {.from = old, .length = old_length};
    uint64_t done = 0;
    int error;

    pthread_mutex_lock(&memory->lock);
    error = take_place(memory, &m, length);
    pthread_mutex_unlock(&memory->lock);
    if (error)
        return error;
    while (!error && done < old_length) {
        pthread_mutex_lock(&memory->lock);
        error = move_next(memory, &m, &done);
        pthread_mutex_unlock(&memory->lock);
    }
    if (error && done == 0)
        nw_memory_unmap(NULL, memory, m.to, length);
    return error ? error : (long)m.to;
}

static long copy(struct nw_memory *memory, uint64_t old, uint64_t old_length, uint64_t length)
{
    long to, error = 0;

    pthread_mutex_lock(&memory->lock);
    to = nw__memory_map_data(memory, 0, length, RW, 0, NULL, 0);
    if (to >= 0 && nw_gate_copy((void *)to, (const void *)old, old_length) < 0)
        error = -EFAULT;
    if (to >= 0)
        nw__memory_unmap_now(memory, error ? (uint64_t)to : old, error ? length : old_length);
    pthread_mutex_unlock(&memory->lock);
    return error ? error : to;
}

/* Lengthens it in place; -ENOMEM: what follows is not free, or the limit forbids it. Lock held. */
static long lengthen(struct nw_memory *memory, uint64_t old, uint64_t old_length, uint64_t length)
{
    uint64_t end = old + old_length, at;
    long result;

    if (nw_regions_find_gap(&memory->regions, length - old_length, NW_PAGE_SIZE, end, NW_REGION_TOP_DOWN, &at) ||
        at != end)
        return -ENOMEM;
    result = nw__memory_map_data(memory, end, length - old_length, RW, MAP_FIXED, NULL, 0);
    return result < 0 ? result : (long)old;
}

static long remap_longer(struct nw_memory *memory, uint64_t old, uint64_t old_length, uint64_t length, bool may_move)
{
    bool movable;
    long result;

    pthread_mutex_lock(&memory->lock);
    result = is_plain(memory, old, old_length, &movable) ? lengthen(memory, old, old_length, length) : -EFAULT;
    pthread_mutex_unlock(&memory->lock);
    if (result != -ENOMEM || !may_move)
        return result;
    if (old_length <= COPY_MOST || nw_without(NW_DEFENCE_PIECES))
        return copy(memory, old, old_length, length);
    return movable ? move(memory, old, old_length, length) : -ENOMEM;
}

long nw_memory_remap(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6])
{
    uint64_t old = args[0], old_length = nw_page_up(args[1]), length = nw_page_up(args[2]);
    bool plain, movable;
    long result = 0;

    if (old % NW_PAGE_SIZE || old_length == 0 || length == 0 || !nw_memory_holds(memory, old, old_length))
        return -EINVAL;
    if (length > old_length)
        return remap_longer(memory, old, old_length, length, args[3] & MREMAP_MAYMOVE);
    pthread_mutex_lock(&memory->lock);
    plain = is_plain(memory, old, old_length, &movable);
    pthread_mutex_unlock(&memory->lock);
    if (plain && length < old_length)
        result = nw_memory_unmap(thread, memory, old + length, old_length - length);
    return !plain ? -EFAULT : result ? result : (long)old;
}
