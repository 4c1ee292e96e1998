/*
 * The descriptor queue of ring.h. Every check against a hostile peer's index is in refresh_head and refresh_tail;
 * the rest works on private, already checked numbers.
 */
#include "common/shm/ring.h"
#include "common/base/atomic.h"
#include "common/base/without.h"
#include <errno.h>

_Static_assert(sizeof(struct nw_desc) == 128, "a descriptor is two cache lines");
_Static_assert(sizeof(struct nw_ring_shared) == 192, "each index has a cache line of its own");

size_t nw_ring_size(uint32_t capacity)
{
    return sizeof(struct nw_ring_shared) + (size_t)capacity * sizeof(struct nw_desc);
}

void nw_ring_init(struct nw_ring *ring, struct nw_ring_shared *shared, uint32_t capacity)
{
    *ring = (struct nw_ring){.shared = shared, .capacity = capacity};
}

/* The consumer's index may only move forward and never past what was pushed. */
static int refresh_head(struct nw_ring *ring)
{
    /* Pairs with the release store of head in nw_ring_pop: the slot has been read before we write it again. */
    uint32_t head = nw_load_acquire(&ring->shared->head);
    if (ring->own - head > ring->own - ring->peer && !nw_unchecked(NW_CHECK_INDEX))
        return -EPROTO;
    ring->peer = head;
    return 0;
}

/* The producer's index may be at most `capacity` ahead. Called only when all that was known has been popped. */
static int refresh_tail(struct nw_ring *ring)
{
    /* Pairs with the release store of tail in nw_ring_push: the descriptor is complete before we see it. */
    uint32_t tail = nw_load_acquire(&ring->shared->tail);
    if (tail - ring->own > ring->capacity && !nw_unchecked(NW_CHECK_INDEX))
        return -EPROTO;
    ring->peer = tail;
    return 0;
}

int nw_ring_push(struct nw_ring *ring, const struct nw_desc *desc)
{
    if (ring->own - ring->peer == ring->capacity) {
        int rc = refresh_head(ring);
        if (rc < 0)
            return rc;
        if (ring->own - ring->peer == ring->capacity)
            return -EAGAIN;
    }
    ring->shared->desc[ring->own & (ring->capacity - 1)] = *desc;
    /* Pairs with the acquire load in refresh_tail. */
    nw_store_release(&ring->shared->tail, ++ring->own);
    return 0;
}

int nw_ring_pop(struct nw_ring *ring, struct nw_desc *desc)
{
    if (ring->peer == ring->own) {
        int rc = refresh_tail(ring);
        if (rc < 0)
            return rc;
        if (ring->peer == ring->own)
            return 0;
    }
    *desc = ring->shared->desc[ring->own & (ring->capacity - 1)];
    /* Pairs with the acquire load in refresh_head; it also keeps the copy above from being made again later. */
    nw_store_release(&ring->shared->head, ++ring->own);
    return 1;
}

int nw_ring_space(struct nw_ring *ring)
{
    int rc = refresh_head(ring);
    return rc < 0 ? rc : (int)(ring->capacity - (ring->own - ring->peer));
}
