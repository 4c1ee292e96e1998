/*
 * Those that wait, by rank, and by when they came among equals: a heap, so that to put one in or to take one out costs
 * the logarithm of how many there are. It allocates nothing: a place in it is part of what waits.
 */
#ifndef NW_WORKER_TURN_QUEUE_H
#define NW_WORKER_TURN_QUEUE_H

#include "worker/base/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_TURN_QUEUE_MAX NW_DOMAINS_MAX /* a domain has one place in each queue */

/* All zero: it is in no queue. */
struct nw_turn_place {
    void *owner; /* what waits */
    uint64_t rank, arrival;
    uint32_t at; /* in the heap, from 1 */
};

struct nw_turn_queue {
    struct nw_turn_place
        *heap[NW_TURN_QUEUE_MAX + 1]; /* from 1: no place is before those at twice its number and next */
    uint32_t n;
    uint64_t arrivals;
};

bool nw_turn_queue_is_valid(const struct nw_turn_queue *queue);

void nw_turn_put(struct nw_turn_queue *queue, struct nw_turn_place *place, void *owner, uint64_t rank);
void nw_turn_drop(struct nw_turn_queue *queue, struct nw_turn_place *place); /* which is in it */

static inline bool nw_turn_waits(const struct nw_turn_place *place)
{
    return place->at != 0;
}

/* The owner of the first place; NULL: there is none. */
static inline void *nw_turn_first(const struct nw_turn_queue *queue)
{
    return queue->n ? queue->heap[1]->owner : NULL;
}

#endif
