/*
 * A link: the channel to one worker process as long as anybody needs its memory. Not responsible for what comes out of
 * the ring (dispatch/receive.c) or for starting and replacing workers (control).
 */
#ifndef NW_ENGINE_SERVE_LINK_H
#define NW_ENGINE_SERVE_LINK_H

#include "common/shm/channel.h"
#include "engine/base/list.h"
#include "engine/io/io.h"
#include "engine/serve/invocation.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_engine;

enum nw_link_state {
    NW_LINK_OPEN,
    NW_LINK_BROKEN, /* its worker is lost, which is not dealt with yet; nothing is sent or read any more */
    NW_LINK_LOST,   /* only its memory may be in use */
    NW_LINK_STATES
};

struct nw_link {
    struct nw_engine *engine;
    void *owner; /* who made it, and buries it when it is broken */
    enum nw_link_state state;
    const char *broken;         /* not OPEN: why */
    bool lied;                  /* what it wrote into its ring made no sense: nothing there counts any more */
    struct nw_list broken_link; /* BROKEN: in engine->broken */
    uint32_t number;
    unsigned references;
    struct nw_channel channel;
    struct nw_io_watch *doorbell_watch; /* of ours, */
    struct nw_io_bell *bell;            /* and what rings the worker's */
    struct nw_list awake;               /* in engine->awake while we look at its ring without being rung */
    uint64_t partial;                   /* bytes of our arena for inputs that are still arriving */
    uint64_t nested;                    /* ... for inputs of nested calls */
    uint64_t lent;                      /* bytes of its arena in answers that clients have yet to read */
    bool room;                          /* a block was freed since the waiters were last looked at */
    unsigned unrung; /* descriptors that it was sent and not rung for yet, and turns of the loop since */
    unsigned busy;   /* invocations that it has */
    unsigned n_calls;
    struct nw_list orphan_link;            /* in engine->orphan */
    struct nw_list calls;                  /* nested calls from it that are not answered */
    struct nw_list reply_waiters;          /* those of them whose output needs room in the arena */
    struct nw_list waiters[NW_ROOM_KINDS]; /* invocations whose input does */
    struct nw_list sent;                   /* invocations */
    struct nw_desc *backlog;               /* RELEASE and REPLY descriptors that did not fit */
    size_t backlog_length, backlog_capacity;
    uint64_t *reply_blocks; /* a bit per 64 bytes of our arena: a REPLY block that the worker may release */
};

/* A channel for a worker; one reference. NULL with *error negative errno. */
struct nw_link *nw_link_new(struct nw_engine *engine, uint32_t number, void *owner, int *error);

/* In another thread: takes over a channel that the main one made for it. NULL when memory or descriptors are out. */
struct nw_link *nw_link_adopt(struct nw_engine *engine, uint32_t number, void *owner, const struct nw_channel *channel);

void nw_link_ref(struct nw_link *link);
void nw_link_unref(struct nw_link *link);

/* Its worker ended, or broke the protocol and must. `why` is static text. Only marks it: it is buried at the end of the
 * turn, by whoever started the worker, so this may be called anywhere. */
void nw_link_break(struct nw_link *link, const char *why);

/* It is lost, in any case; `why` unless it was broken before. Everything is given up but the memory. What it had is
 * failed next (nw_nested_link_lost, nw_dispatch_link_lost), then the owner drops its reference. */
void nw_link_lose(struct nw_link *link, const char *why);

bool nw_link_is_valid(const struct nw_link *link);

/* Queues one descriptor now: 0, -EAGAIN when the ring is full, -EPROTO when the worker broke it. */
int nw_link_push(struct nw_link *link, const struct nw_desc *desc);

/* Queues one descriptor now or as soon as there is room. For RELEASE and REPLY, whose number the worker bounds. */
void nw_link_post(struct nw_link *link, const struct nw_desc *desc);

/* Sends what waited for room in the ring. */
void nw_link_flush_backlog(struct nw_link *link);

/* A ring was full: the loop looks again in a millisecond, because its reader does not ring. */
void nw_link_look_again(struct nw_engine *engine);

/* A block of the engine's arena of this link. As nw_arena_alloc. */
int nw_link_alloc(struct nw_link *link, size_t length, uint64_t *offset);
void *nw_link_at(struct nw_link *link, uint64_t offset);
void nw_link_free_block(struct nw_link *link, uint64_t offset);
void nw__link_shrink_block(struct nw_link *link, uint64_t offset, size_t length); /* to its first bytes */

/* From now on the worker may release this block: it went out with a REPLY. */
void nw_link_give_block(struct nw_link *link, uint64_t offset);

/* A RELEASE from the worker, which is good only for blocks that it was given: 0 or -EPROTO. */
int nw_link_take_back_block(struct nw_link *link, uint64_t offset);

/* The output at `offset` of the worker's arena is not needed any more: tells the worker and drops a reference. */
void nw_link_drop(struct nw_link *link, uint64_t offset);

/* Whether something lies in the ring. */
bool nw_link_has_input(const struct nw_link *link);

/* Rings the worker if something was pushed and it sleeps. While the loop has more at hand it is rung later, for a batch
 * at once: call this in every turn. */
void nw_link_notify(struct nw_link *link);

/* True: the worker will ring, and the link is not awake any more; false: there is something to do for it. */
bool nw_link_sleep(struct nw_link *link);

#endif
