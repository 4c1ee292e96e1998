/*
 * A link: the channel to one worker process as long as anybody needs its memory. Checks what comes out of the ring and
 * hands it on; what breaks the rules ends the worker (nw_worker_broken). Not responsible for starting or replacing
 * workers (workers.c).
 */
#ifndef NW_ENGINE_SERVE_LINK_H
#define NW_ENGINE_SERVE_LINK_H

#include "engine/serve/engine.h"

/* A channel for the worker of `seat`; one reference. *worker_socket is the worker's end of the control socket, the
 * caller's to close. NULL with *error negative errno. */
struct nw_link *nw_link_new(struct nw_seat *seat, uint32_t number, int *worker_socket, int *error);

/* In another thread: takes over a channel that the main one made for it. NULL when memory or descriptors are out. */
struct nw_link *nw_link_adopt(struct nw_seat *seat, uint32_t number, const struct nw_channel *channel);

void nw_link_ref(struct nw_link *link);
void nw_link_unref(struct nw_link *link);

/* The last step of its loss: gives up everything but the memory, and the seat's reference. */
void nw_link_lose(struct nw_link *link);

/* Queues one descriptor now: 0, -EAGAIN when the ring is full, -EPROTO when the worker broke it. */
int nw_link_push(struct nw_link *link, const struct nw_desc *desc);

/* Queues one descriptor now or as soon as there is room. For RELEASE and REPLY, whose number the worker bounds. */
void nw_link_post(struct nw_link *link, const struct nw_desc *desc);

/* A block of the engine's arena of this link. As nw_arena_alloc. */
int nw_link_alloc(struct nw_link *link, size_t length, uint64_t *offset);
void *nw_link_at(struct nw_link *link, uint64_t offset);
void nw_link_free_block(struct nw_link *link, uint64_t offset);

/* From now on the worker may release this block: it went out with a REPLY. */
void nw_link_give_block(struct nw_link *link, uint64_t offset);

/* The output at `offset` of the worker's arena is not needed any more: tells the worker and drops a reference. */
void nw_link_drop(struct nw_link *link, uint64_t offset);

/* Looks at the ring without waiting to be rung. */
void nw_link_wake(struct nw_link *link);

/* Takes what is in the ring, and sends what waited. The number of descriptors taken. */
unsigned nw_link_poll(struct nw_link *link);

/* Whether something lies in the ring. */
bool nw_link_has_input(const struct nw_link *link);

/* Rings the worker if something was pushed and it sleeps. While the loop has more at hand it is rung later, for a batch
 * at once: call this in every turn. */
void nw_link_notify(struct nw_link *link);

/* True: the worker will ring, and the link is not awake any more; false: there is something to do for it. */
bool nw_link_sleep(struct nw_link *link);

#endif
