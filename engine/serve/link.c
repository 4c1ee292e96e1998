/*
 * The life of a link:
 *
 *               BREAK                 LOSE
 *   (new) OPEN ───────> BROKEN ─────────────────> LOST ──the last reference──> (gone)
 *           └────────────────LOSE────────────────^
 *
 * Who notices that a worker is lost breaks its link; who started the worker loses it, at the end of the turn.
 */
#include "engine/serve/link.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "common/base/without.h"
#include "engine/serve/engine.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG_MAX       65536 /* descriptors; a worker that lets more pile up is not reading */
#define BLOCK_UNIT        64
#define FULL_RING_WAIT_MS 1
#define RING_BATCH        16 /* at this count a worker is rung, though the loop has more to do. Each descriptor */
#define RING_TURN         4  /* counts as 1, each turn of the loop as this, so that one alone does not wait long */

/* Looks at the ring without waiting to be rung. */
static void wake(struct nw_link *link)
{
    if (link->broken || !nw_list_empty(&link->awake))
        return;
    nw_list_append(&link->engine->awake, &link->awake);
    /* We look by ourselves, so the worker need not ring; pairs with the load in its nw_channel_must_ring. */
    nw_store_relaxed(&link->channel.in.shared->consumer_sleeps, 0);
}

static void doorbell_rung(void *arg)
{
    struct nw_link *link = arg;
    nw_channel_woke(&link->channel);
    wake(link);
}

static struct nw_link *link_alloc(struct nw_engine *engine, uint32_t number, void *owner)
{
    struct nw_link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->engine = engine;
    link->owner = owner;
    link->number = number;
    link->references = 1;
    link->channel.memfd = link->channel.own_doorbell = link->channel.peer_doorbell = -1;
    nw_list_init(&link->awake);
    nw_list_init(&link->broken_link);
    nw_list_init(&link->orphan_link);
    nw_list_init(&link->calls);
    nw_list_init(&link->reply_waiters);
    for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
        nw_list_init(&link->waiters[kind]);
    nw_list_init(&link->sent);
    return link;
}

static void stop_watching(struct nw_link *link)
{
    if (link->doorbell_watch)
        nw_io_watch_free(link->doorbell_watch);
    link->doorbell_watch = NULL;
}

static void link_free(struct nw_link *link)
{
    stop_watching(link);
    if (link->bell)
        nw_io_bell_free(link->bell);
    nw_list_remove(&link->awake);
    nw_list_remove(&link->orphan_link);
    nw_channel_close(&link->channel);
    free(link->reply_blocks);
    free(link->backlog);
    free(link);
}

static int watch_bells(struct nw_link *link)
{
    link->bell = nw_io_bell_new(link->engine->io, link->channel.bell);
    link->doorbell_watch = nw_io_watch_new(link->engine->io, link->channel.own_doorbell, doorbell_rung, link);
    return link->bell && link->doorbell_watch ? 0 : -ENOMEM;
}

/* Everything that can fail. What was made is found in the link and undone by link_free. */
static int link_open(struct nw_link *link)
{
    const struct nw_options *options = &link->engine->options;
    const struct nw_geometry geometry = nw_options_geometry(options);
    int rc = nw_channel_create(&link->channel, &geometry);
    if (rc < 0)
        return rc;
    link->reply_blocks = calloc(options->arena / BLOCK_UNIT / 64 + 1, sizeof *link->reply_blocks);
    if (!link->reply_blocks)
        return -ENOMEM;
    if (watch_bells(link) < 0)
        return -ENOMEM;
    return nw_channel_may_sleep(&link->channel) ? 0 : -EPROTO;
}

struct nw_link *nw_link_new(struct nw_engine *engine, uint32_t number, void *owner, int *error)
{
    struct nw_link *link = link_alloc(engine, number, owner);
    *error = link ? link_open(link) : -ENOMEM;
    if (*error == 0)
        return link;
    if (link)
        link_free(link);
    return NULL;
}

struct nw_link *nw_link_adopt(struct nw_engine *engine, uint32_t number, void *owner, const struct nw_channel *channel)
{
    struct nw_link *link = link_alloc(engine, number, owner);
    if (!link)
        return NULL;
    link->channel = *channel;
    if (watch_bells(link) < 0) {
        link_free(link);
        return NULL;
    }
    if (!nw_channel_may_sleep(&link->channel))
        wake(link);
    return link;
}

void nw_link_ref(struct nw_link *link)
{
    link->references++;
}

void nw_link_unref(struct nw_link *link)
{
    if (!--link->references)
        link_free(link);
}

/* State x event -> the next state; the zero of every cell left out, OPEN, means: nothing is left to be done. */
enum event { BREAK, LOSE, EVENTS };
static const uint8_t next_state[NW_LINK_STATES][EVENTS] = {
    [NW_LINK_OPEN] = {[BREAK] = NW_LINK_BROKEN, [LOSE] = NW_LINK_LOST},
    [NW_LINK_BROKEN] = {[LOSE] = NW_LINK_LOST},
};

bool nw_link_is_valid(const struct nw_link *link)
{
    bool open = link->state == NW_LINK_OPEN;
    return link->references && open == !link->broken && (open || nw_list_empty(&link->awake)) &&
           (link->state == NW_LINK_BROKEN || nw_list_empty(&link->broken_link)) &&
           link->backlog_length <= BACKLOG_MAX && link->backlog_length <= link->backlog_capacity;
}

/* False: it is that far already. */
static bool link_move(struct nw_link *link, enum event event, const char *why)
{
    uint8_t next = next_state[link->state][event];
    if (!next)
        return false;
    link->state = (enum nw_link_state)next;
    link->broken = link->broken ? link->broken : why;
    nw_list_remove(&link->awake);
    nw_list_remove(&link->broken_link);
    if (link->state == NW_LINK_BROKEN)
        nw_list_append(&link->engine->broken, &link->broken_link);
    nw_check_valid(nw_link, link);
    return true;
}

void nw_link_break(struct nw_link *link, const char *why)
{
    link_move(link, BREAK, why);
}

void nw_link_lose(struct nw_link *link, const char *why)
{
    if (link_move(link, LOSE, why))
        stop_watching(link);
}

/* --- sending --- */

int nw_link_push(struct nw_link *link, const struct nw_desc *desc)
{
    int rc = nw_ring_push(&link->channel.out, desc);
    if (rc == -EAGAIN) {
        /* It may be full of releases, for which nobody was rung. */
        link->unrung = RING_BATCH;
        wake(link);
    }
    if (rc < 0)
        return rc;
    /* A worker that runs nothing cannot be waiting for room: it finds a RELEASE when it is rung for something else. */
    if (desc->kind != NW_DESC_RELEASE || link->busy) {
        link->unrung++;
        wake(link);
    }
    return 0;
}

static bool keep_for_later(struct nw_link *link, const struct nw_desc *desc)
{
    if (link->backlog_length == BACKLOG_MAX)
        return false;
    if (link->backlog_length == link->backlog_capacity) {
        size_t capacity = link->backlog_capacity ? 2 * link->backlog_capacity : 64;
        struct nw_desc *backlog = realloc(link->backlog, capacity * sizeof *backlog);
        if (!backlog)
            return false;
        link->backlog = backlog;
        link->backlog_capacity = capacity;
    }
    link->backlog[link->backlog_length++] = *desc;
    return true;
}

void nw_link_look_again(struct nw_engine *engine)
{
    nw_io_timer_start(engine->retry, FULL_RING_WAIT_MS, 0);
}

void nw_link_post(struct nw_link *link, const struct nw_desc *desc)
{
    if (link->broken)
        return;
    int rc = link->backlog_length ? -EAGAIN : nw_link_push(link, desc);
    if (rc == -EAGAIN && keep_for_later(link, desc)) {
        nw_link_look_again(link->engine);
        wake(link);
    } else if (rc == -EAGAIN) {
        nw_link_break(link, "it does not take descriptors from its ring");
    } else if (rc < 0) {
        nw_link_break(link, "its index of the ring to it is impossible");
    }
}

void nw_link_flush_backlog(struct nw_link *link)
{
    size_t sent = 0;
    int rc = 0;
    while (sent < link->backlog_length && (rc = nw_link_push(link, &link->backlog[sent])) == 0)
        sent++;
    link->backlog_length -= sent;
    memmove(link->backlog, link->backlog + sent, link->backlog_length * sizeof *link->backlog);
    if (rc == -EAGAIN)
        nw_link_look_again(link->engine);
    else if (rc < 0)
        nw_link_break(link, "its index of the ring to it is impossible");
}

void nw_link_notify(struct nw_link *link)
{
    if (!link->unrung)
        return;
    if (link->unrung < RING_BATCH && nw_io_has_events(link->engine->io)) {
        link->unrung += RING_TURN;
        return;
    }
    link->unrung = 0;
    if (nw_channel_must_ring(&link->channel))
        nw_io_bell_ring(link->bell);
}

/* --- blocks --- */

int nw_link_alloc(struct nw_link *link, size_t length, uint64_t *offset)
{
    return nw_arena_alloc(link->channel.arena, length, offset);
}

void *nw_link_at(struct nw_link *link, uint64_t offset)
{
    return nw_arena_at(link->channel.arena, offset);
}

/* Also when nobody waits yet: who frees a block may be about to wait for a larger one. */
static void room_made(struct nw_link *link)
{
    link->room = true;
    wake(link);
}

void nw_link_free_block(struct nw_link *link, uint64_t offset)
{
    if (nw_arena_release(link->channel.arena, offset) < 0)
        nw_log(NW_LOG_ERROR, "internal error: worker %u: block at %llu released twice", link->number,
               (unsigned long long)offset);
    room_made(link);
}

void nw__link_shrink_block(struct nw_link *link, uint64_t offset, size_t length)
{
    if (nw_arena_shrink(link->channel.arena, offset, length) < 0)
        nw_log(NW_LOG_ERROR, "internal error: worker %u: block at %llu is none", link->number,
               (unsigned long long)offset);
    room_made(link);
}

void nw_link_give_block(struct nw_link *link, uint64_t offset)
{
    link->reply_blocks[offset / BLOCK_UNIT / 64] |= 1ull << (offset / BLOCK_UNIT % 64);
}

int nw_link_take_back_block(struct nw_link *link, uint64_t offset)
{
    uint64_t unit = offset / BLOCK_UNIT;
    uint64_t bit = 1ull << (unit % 64);
    if ((!link->reply_blocks || offset % BLOCK_UNIT || offset >= link->engine->options.arena ||
         !(link->reply_blocks[unit / 64] & bit)) &&
        !nw_unchecked(NW_CHECK_BLOCK))
        return -EPROTO;
    link->reply_blocks[unit / 64] &= ~bit;
    nw_link_free_block(link, offset);
    return 0;
}

void nw_link_drop(struct nw_link *link, uint64_t offset)
{
    nw_link_post(link, &(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = offset});
    nw_link_unref(link);
}

/* --- receiving --- */

bool nw_link_has_input(const struct nw_link *link)
{
    const struct nw_ring *in = &link->channel.in;
    /* Only a hint, checked by the pop that follows. */
    return nw_load_relaxed(&in->shared->tail) != in->own;
}

bool nw_link_sleep(struct nw_link *link)
{
    if (link->unrung || link->room || !nw_channel_may_sleep(&link->channel))
        return false;
    nw_list_remove(&link->awake);
    return true;
}
