/*
 * What joins the engine and one worker: a memfd with a ring and an arena each way and the claims, and two doorbells.
 *
 * Layout of the memfd, in pages: header | ring to worker | ring to engine | engine's arena | worker's arena | claims.
 * The engine creates it and seals its size; the worker maps it. Neither trusts the header: the geometry is passed
 * beside the fd and each side computes the layout from it.
 */
#ifndef NW_COMMON_SHM_CHANNEL_H
#define NW_COMMON_SHM_CHANNEL_H

#include "common/shm/arena.h"
#include "common/shm/claims.h"
#include "common/shm/ring.h"
#include <stdbool.h>

/* Most channels of one worker: one for each thread of the engine. */
#define NW_CHANNELS_MAX 16

struct nw_geometry {
    uint32_t ring_capacity; /* descriptors each way; a power of two */
    uint32_t reserved;
    uint64_t arena_size; /* bytes each way; a multiple of 4096 */
};

struct nw_channel {
    struct nw_ring out;     /* we push */
    struct nw_ring in;      /* we pop */
    struct nw_arena *arena; /* ours, for payloads we send */
    const unsigned char *peer_arena;
    uint64_t peer_arena_size;
    uint32_t *claims; /* NW_CLAIMS words: see claims.h */
    int memfd;
    int own_doorbell;  /* becomes readable when the peer rings us: the engine's is an eventfd, the worker's a pipe */
    int peer_doorbell; /* what rings the peer; the engine hands it to the worker */
    int bell;          /* engine: rings the worker by a description that no worker can make blocking; else none */
    void *map;
    size_t map_size;
};

/* Engine: creates memfd and doorbells. 0 or negative errno (-EMFILE, -ENOMEM...), then nothing is left open. */
int nw_channel_create(struct nw_channel *ch, const struct nw_geometry *geometry);

/* Engine: one more channel of the worker of `first`, which rings that one's doorbell. As nw_channel_create. */
int nw_channel_create_beside(struct nw_channel *ch, const struct nw_geometry *geometry, const struct nw_channel *first);

/* Worker: takes over three fds that came from the engine. 0 or negative errno. The fds are the channel's then.
 * Without a doorbell of its own (-1) another channel's is rung. */
int nw_channel_attach(struct nw_channel *ch, const struct nw_geometry *geometry, int memfd, int own_doorbell,
                      int peer_doorbell);

/* Unmaps and closes. Payload pointers of this channel are invalid afterwards. */
void nw_channel_close(struct nw_channel *ch);

/* Pushes and, when the peer sleeps, rings its doorbell. As nw_ring_push. */
int nw_channel_send(struct nw_channel *ch, const struct nw_desc *desc);

/* Whether the peer says that it sleeps, so that the caller is to ring it: true once for each sleep. */
bool nw_channel_must_ring(struct nw_channel *ch);

/* Rings the peer's doorbell if the peer says it sleeps; for use after several nw_ring_push on ch->out. */
void nw_channel_notify(struct nw_channel *ch);

/*
 * Consumer, before blocking on own_doorbell: announces sleep and looks once more. True: really empty, go to sleep.
 * False: something came; do not sleep. After waking call nw_channel_woke.
 */
bool nw_channel_may_sleep(struct nw_channel *ch);
void nw_channel_woke(struct nw_channel *ch);

/* Worker: both the wait and nw_channel_woke in one system call, for a doorbell that nw_channel_block was called on. May
 * return although nobody rang. */
void nw_channel_sleep(struct nw_channel *ch);

/* Worker: reading its own doorbell waits from now on. 0 or negative errno. */
int nw_channel_block(struct nw_channel *ch);

/* A received payload as a pointer, after checking that it lies wholly inside the peer's arena or the descriptor, where
 * it lives no longer than that; NULL when it does not. For a length of 0 a valid pointer to nothing. The bytes may
 * change under the reader: copy, then check. */
const void *nw_channel_payload(const struct nw_channel *ch, const struct nw_desc *desc);

/* Whether a payload has a block in an arena, which somebody is to release. */
static inline bool nw_desc_has_block(const struct nw_desc *desc)
{
    return desc->length && desc->offset != NW_OFFSET_INLINE;
}

#endif
