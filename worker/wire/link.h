/* What joins this worker and one thread of the engine: a channel, and what waits for room in it. The monitor's lock
 * guards it. */
#ifndef NW_WORKER_WIRE_LINK_H
#define NW_WORKER_WIRE_LINK_H

#include "common/base/atomic.h"
#include "common/manifest/control.h"
#include "common/shm/channel.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_domain;

/* Who answers for a block of an arena. */
struct nw_owner {
    struct nw_domain *domain;
    uint64_t serial;
};

/* What joins us and one thread of the engine. */
struct nw_link {
    struct nw_owner *owners; /* of blocks in our arena, by where they begin: see payload.c */
    struct nw_channel channel;
    uint64_t arena_size;    /* of either side */
    struct nw_desc *outbox; /* descriptors that found the ring full */
    size_t n_outbox, outbox_size;
};

/* Those that there are. Calls go by the first, whose doorbell serves all. */
struct nw_links {
    struct nw_link link[NW_CHANNELS_MAX];
    uint32_t n;
    struct nw_geometry geometry;
};

extern struct nw_links nw__links; /* for the files of this folder, and what is inline here */

/* Attaches the first: the files of the channel, of our doorbell and of that of the engine. 0 or negative errno. */
int nw_links_init(const struct nw_geometry *geometry, int channel, int doorbell, int engine);

/* The engine has another thread. The files of the message are taken over. */
void nw_link_add(const struct nw_control_message *message);

bool nw_links_have_work(void); /* a hint: something came, or waits to be sent */

static inline uint32_t nw_links_count(void)
{
    return nw__links.n;
}

static inline struct nw_link *nw_link_at(uint32_t i)
{
    return &nw__links.link[i];
}

/* Which of the threads of the engine it joins us with. */
static inline uint32_t nw_link_number(const struct nw_link *link)
{
    return (uint32_t)(link - nw__links.link);
}

/* ---- lock NOT held; of the first `n` links, which the caller saw with the lock held ---- */

static inline bool nw_links_have_come(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct nw_ring *in = &nw__links.link[i].channel.in;

        if (nw_load_acquire(&in->shared->tail) != in->own) /* pairs with nw_ring_push */
            return true;
    }
    return false;
}

/* Sleeps until the engine or another thread of this worker rings, unless something came. */
void nw_links_sleep(uint32_t n);

/* From now on nobody needs to ring, whether it slept or not. */
void nw_links_stay_awake(uint32_t n);

#endif
