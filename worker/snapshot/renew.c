/* Renewing memory (picture.h). First all that may have been written is emptied, which may be much: piece by piece. Then
 * mappings change, which is quick for memory that is empty: part by part, so that who takes the domain's key away need
 * not wait.
 */
#include "protect/gate/without.h"
#include "worker/base/now.h"
#include "worker/memory/memory.h"
#include "worker/range/pages.h"
#include "worker/range/region.h"
#include "worker/snapshot/picture.h"
#include "worker/snapshot/snapshot.h"
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/uio.h>

#define RANGES  48          /* that are emptied with one call of the kernel */
#define AT_ONCE (4ul << 20) /* bytes that are emptied within a piece, even if all of their pages are in memory */

struct batch {
    struct iovec ranges[RANGES];
    size_t n;
    uint64_t left; /* bytes that still fit */
};

/* How far it came: not to `end` when the batch is full. */
static uint64_t add(struct batch *batch, uint64_t start, uint64_t end)
{
    const uint64_t length = end - start < batch->left ? end - start : batch->left;
    struct iovec *last = batch->n > 0 ? &batch->ranges[batch->n - 1] : NULL;

    if (last && (uint64_t)last->iov_base + last->iov_len == start)
        last->iov_len += length;
    else if (batch->n == RANGES)
        return start;
    else
        batch->ranges[batch->n++] = (struct iovec){(void *)start, length};
    batch->left -= length;
    return start + length;
}

/* What is charged may have been written, if it is writable; if it is not, only before its rights were changed. */
static bool is_dirty(const struct nw_region *r, bool changed)
{
    return r->charged && (changed || r->prot & PROT_WRITE);
}

/* 1: there is more; 0; negative errno. Without the memory's lock, since nothing but the key of its mappings changes
 * meanwhile. */
static int empty_some(const struct nw_memory *memory, struct nw_renewal *renewal)
{
    const struct nw_regions *regions = &memory->regions;
    const bool changed = regions->changes != memory->pristine;
    int error;
    struct batch batch = {.left = nw_pages_next(&renewal->piece, UINT64_MAX)};
    uint64_t at = renewal->emptied > regions->start ? renewal->emptied : regions->start;

    while (at < regions->end && batch.left > 0) {
        const struct nw_region *r = nw_regions_at(regions, at);
        const uint64_t to = is_dirty(r, changed) ? add(&batch, at, r->end) : r->end;

        if (to == at)
            break;
        at = to;
    }
    if (at >= regions->end && batch.left > 0) /* the flows' registers; it may write there, too */
        at = add(&batch, at, memory->end);
    renewal->emptied = at;
    error = nw_pages_empty_all(batch.ranges, batch.n);
    return error ? error : at < memory->end;
}

static bool is_same(const struct nw_region *a, const struct nw_region *b)
{
    return a->start == b->start && a->end == b->end && a->prot == b->prot && a->kind == b->kind &&
           a->charged == b->charged && a->origin.id == b->origin.id && a->origin.offset == b->origin.offset;
}

/* Memory of the range's own is closed and opened in place. */
static int put_own(const struct nw_memory *memory, const struct nw_region *part)
{
    const uint64_t length = part->end - part->start;
    int error = nw_pages_close(memory->tag >= 0, part->start, length);

    return error || !part->prot ? error : nw_pages_protect(memory->tag, part->start, length, part->prot);
}

static int put_back(struct nw_memory *memory, const struct nw_picture *picture, const struct nw_region *part, size_t i)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_restore(&memory->regions, part, &cost);

    if (!error)
        error = nw_memory_admit(memory, &cost);
    if (!error)
        error = part->origin.id == 0 ? put_own(memory, part) : nw__picture_put_again(memory, picture, i);
    if (!error)
        error = nw_regions_restore(&memory->regions, part);
    nw_memory_settle(memory);
    return error;
}

static int renew_part(struct nw_memory *memory, const struct nw_picture *picture, const struct nw_region *part,
                      size_t i)
{
    int error = 0;

    pthread_mutex_lock(&memory->lock);
    if (!is_same(nw_regions_at(&memory->regions, part->start), part))
        error = put_back(memory, picture, part, i);
    pthread_mutex_unlock(&memory->lock);
    return error;
}

static int renew_mappings(struct nw_memory *memory, const struct nw_picture *picture)
{
    const struct nw_region *parts;
    const size_t n = nw__picture_parts(picture, &parts);
    int error;

    pthread_mutex_lock(&memory->lock);
    error = nw__picture_lacks(memory, picture) ? -EBUSY : 0;
    pthread_mutex_unlock(&memory->lock);
    for (size_t i = 0; i < n && !error; i++)
        error = renew_part(memory, picture, &parts[i], i);
    memory->pristine = memory->regions.changes;
    return error;
}

int nw__picture_renew(struct nw_memory *memory, const struct nw_picture *picture, struct nw_renewal *renewal)
{
    int left;

    if (nw_without(NW_DEFENCE_FRESH))
        return 0;
    if (renewal->piece.size == 0)
        renewal->piece = (struct nw_pages_piece){.begun = nw_now(), .size = AT_ONCE};
    left = empty_some(memory, renewal);
    if (left)
        return left;
    return memory->regions.changes != memory->pristine ? renew_mappings(memory, picture) : 0;
}
