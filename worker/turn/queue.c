/* See queue.h. */
#include "worker/turn/queue.h"
#include "common/base/valid.h"

static bool is_before(const struct nw_turn_place *one, const struct nw_turn_place *other)
{
    return one->rank != other->rank ? one->rank < other->rank : one->arrival < other->arrival;
}

bool nw_turn_queue_is_valid(const struct nw_turn_queue *queue)
{
    if (queue->n > NW_TURN_QUEUE_MAX)
        return false;
    for (uint32_t i = 1; i <= queue->n; i++)
        if (queue->heap[i]->at != i || (i > 1 && is_before(queue->heap[i], queue->heap[i / 2])))
            return false;
    return true;
}

static void set(struct nw_turn_queue *queue, uint32_t at, struct nw_turn_place *place)
{
    queue->heap[at] = place;
    place->at = at;
}

/* Puts it at this number or, as long as it is before the one above, further up. */
static void rise(struct nw_turn_queue *queue, uint32_t at, struct nw_turn_place *place)
{
    for (; at > 1 && is_before(place, queue->heap[at / 2]); at /= 2)
        set(queue, at, queue->heap[at / 2]);
    set(queue, at, place);
}

/* The one below that is first, or 0. */
static uint32_t first_below(const struct nw_turn_queue *queue, uint32_t at)
{
    const uint32_t left = 2 * at, right = left + 1;

    if (left > queue->n)
        return 0;
    return right <= queue->n && is_before(queue->heap[right], queue->heap[left]) ? right : left;
}

/* Puts it at this number or, as long as one below is before it, further down. */
static void sink(struct nw_turn_queue *queue, uint32_t at, struct nw_turn_place *place)
{
    for (uint32_t below = first_below(queue, at); below && is_before(queue->heap[below], place);
         below = first_below(queue, at)) {
        set(queue, at, queue->heap[below]);
        at = below;
    }
    rise(queue, at, place);
}

void nw_turn_put(struct nw_turn_queue *queue, struct nw_turn_place *place, void *owner, uint64_t rank)
{
    nw_check_that(queue->n < NW_TURN_QUEUE_MAX && !nw_turn_waits(place));
    place->owner = owner;
    place->rank = rank;
    place->arrival = ++queue->arrivals;
    rise(queue, ++queue->n, place);
    nw_check_valid(nw_turn_queue, queue);
}

void nw_turn_drop(struct nw_turn_queue *queue, struct nw_turn_place *place)
{
    struct nw_turn_place *last = queue->heap[queue->n--];

    if (last != place)
        sink(queue, place->at, last);
    place->at = 0;
    nw_check_valid(nw_turn_queue, queue);
}
