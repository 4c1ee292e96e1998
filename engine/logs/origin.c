/* See origin.h. A note is read by a thread while another may write it: the reader looks whether that has happened. */
#include "engine/logs/origin.h"
#include "common/base/atomic.h"
#include <stdlib.h>
#include <string.h>

#define NOTES 4096 /* a power of two */

struct note {
    uint32_t turn; /* odd while it is written */
    uint32_t worker;
    uint64_t invocation;
    char request[NW_LOG_REQUEST];
};

struct nw_origins {
    struct note notes[NOTES];
};

struct nw_origins *nw_origins_new(unsigned threads)
{
    return calloc(threads, sizeof(struct nw_origins));
}

void nw_origins_free(struct nw_origins *origins)
{
    free(origins);
}

struct nw_origins *nw_origins_of(struct nw_origins *first, unsigned thread)
{
    return first ? first + thread : NULL;
}

/* Its halves are a place in a table and how often that was used. */
static size_t place_of(uint64_t invocation)
{
    return (invocation + (invocation >> 32)) % NOTES;
}

void nw_origin_note(struct nw_origins *origins, uint64_t invocation, uint32_t worker, const char *request)
{
    struct note *note = &origins->notes[place_of(invocation)];
    uint32_t turn = nw_load_relaxed(&note->turn); /* written by this thread alone */
    nw_store_relaxed(&note->turn, turn + 1);      /* ordered by the fence, for nw_origin_find */
    nw_fence_release();
    nw_store_relaxed(&note->invocation, invocation); /* read between the loads of `turn` */
    nw_store_relaxed(&note->worker, worker);         /* so, too */
    memcpy(note->request, request, strnlen(request, NW_LOG_REQUEST - 1) + 1);
    nw_store_release(&note->turn, turn + 2); /* pairs with the acquire in nw_origin_find */
}

void nw_origin_find(const struct nw_origins *origins, uint64_t invocation, uint32_t worker,
                    char request[NW_LOG_REQUEST])
{
    const struct note *note = &origins->notes[place_of(invocation)];
    uint32_t turn = nw_load_acquire(&note->turn); /* pairs with the release in nw_origin_note */
    bool same = nw_load_relaxed(&note->invocation) == invocation && nw_load_relaxed(&note->worker) == worker;
    memcpy(request, note->request, NW_LOG_REQUEST);
    nw_fence_acquire(); /* pairs with the fence in nw_origin_note: what was written meanwhile shows in `turn` */
    if (!same || !invocation || turn & 1 || nw_load_relaxed(&note->turn) != turn)
        *request = '\0';
    request[NW_LOG_REQUEST - 1] = '\0';
}
