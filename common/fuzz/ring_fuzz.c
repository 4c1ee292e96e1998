/*
 * One side of a channel against a peer that writes what it likes into the shared memory: the ring never gives or takes
 * more than it may, payloads lie in the peer's arena, and our allocator keeps its blocks apart whatever is released.
 */
#include "common/shm/channel.h"
#include "common/test/fuzz.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ARENA 4096u
#define UNIT  64u
#define STEPS 4096

/* What must be true of one side, kept beside it. */
struct side {
    struct nw_channel ch;
    struct nw_ring_shared *in, *out;
    uint32_t capacity;
    uint32_t pushed, popped;
    uint16_t block[ARENA / UNIT]; /* units of the live block that begins there, or 0 */
};

static void make(struct side *side, uint32_t capacity)
{
    size_t size = nw_ring_size(capacity);
    *side = (struct side){.capacity = capacity, .in = calloc(1, size), .out = calloc(1, size)};
    unsigned char *own = calloc(1, ARENA), *peer = calloc(1, ARENA);
    NW_FUZZ_CHECK(side->in && side->out && own && peer);
    side->ch = (struct nw_channel){.memfd = -1,
                                   .own_doorbell = -1,
                                   .peer_doorbell = -1,
                                   .arena = nw_arena_new(own, ARENA),
                                   .peer_arena = peer,
                                   .peer_arena_size = ARENA};
    NW_FUZZ_CHECK(side->ch.arena);
    nw_ring_init(&side->ch.in, side->in, capacity);
    nw_ring_init(&side->ch.out, side->out, capacity);
}

static void unmake(struct side *side)
{
    free(nw_arena_at(side->ch.arena, 0));
    nw_arena_free(side->ch.arena);
    free((void *)side->ch.peer_arena);
    free(side->in);
    free(side->out);
}

static void push(struct side *side, uint64_t id)
{
    uint32_t head = side->out->head;
    int rc = nw_ring_push(&side->ch.out, &(struct nw_desc){.id = id});
    NW_FUZZ_CHECK(rc == 0 || rc == -EAGAIN || rc == -EPROTO);
    if (rc == 0) {
        NW_FUZZ_CHECK(side->out->desc[side->pushed % side->capacity].id == id);
        side->pushed++;
        NW_FUZZ_CHECK(side->out->tail == side->pushed);
    } else {
        /* A consumer that is a whole ring behind, or that claims what was never pushed. */
        NW_FUZZ_CHECK(rc == -EPROTO || side->pushed - head == side->capacity);
    }
}

static void payload(const struct side *side, const struct nw_desc *desc)
{
    const unsigned char *at = nw_channel_payload(&side->ch, desc);
    bool inside = desc->offset == NW_OFFSET_INLINE ? desc->length <= NW_INLINE_MAX
                                                   : desc->length <= ARENA && desc->offset <= ARENA - desc->length;
    NW_FUZZ_CHECK(desc->length ? inside == (at != NULL) : at != NULL);
    unsigned sum = 0;
    for (size_t i = 0; at && i < desc->length; i++)
        sum += at[i];
    NW_FUZZ_CHECK(sum <= 255 * ARENA);
}

static void pop(struct side *side)
{
    struct nw_desc desc, expected = side->in->desc[side->popped % side->capacity];
    uint32_t tail = side->in->tail;
    int rc = nw_ring_pop(&side->ch.in, &desc);
    NW_FUZZ_CHECK(rc == 1 || rc == 0 || rc == -EPROTO);
    if (rc == 1) {
        NW_FUZZ_CHECK(!memcmp(&desc, &expected, sizeof desc));
        side->popped++;
        NW_FUZZ_CHECK(side->in->head == side->popped);
        payload(side, &desc);
    } else {
        NW_FUZZ_CHECK(rc == 0 ? tail == side->popped : tail - side->popped > side->capacity);
    }
}

static void space(struct side *side)
{
    int rc = nw_ring_space(&side->ch.out);
    NW_FUZZ_CHECK(rc == -EPROTO || (rc >= 0 && (uint32_t)rc <= side->capacity));
    NW_FUZZ_CHECK(rc < 0 || (uint32_t)rc == side->capacity - (side->pushed - side->out->head));
}

static void alloc(struct side *side, size_t length)
{
    uint64_t offset;
    int rc = nw_arena_alloc(side->ch.arena, length, &offset);
    if (rc < 0) {
        NW_FUZZ_CHECK(rc == (length == 0 ? -EINVAL : length > ARENA ? -E2BIG : -ENOMEM));
        return;
    }
    size_t units = (length + UNIT - 1) / UNIT, at = offset / UNIT;
    NW_FUZZ_CHECK(offset % UNIT == 0 && at + units <= ARENA / UNIT);
    for (size_t i = 0; i < ARENA / UNIT; i++)
        NW_FUZZ_CHECK(!side->block[i] || i + side->block[i] <= at || i >= at + units);
    side->block[at] = (uint16_t)units;
    memset(nw_arena_at(side->ch.arena, offset), 0xa5, length);
}

static void release(struct side *side, uint64_t offset)
{
    bool live = offset % UNIT == 0 && offset < ARENA && side->block[offset / UNIT];
    NW_FUZZ_CHECK(nw_arena_block_size(side->ch.arena, offset) == (live ? side->block[offset / UNIT] * UNIT : 0));
    NW_FUZZ_CHECK(nw_arena_release(side->ch.arena, offset) == (live ? 0 : -EINVAL));
    if (live)
        side->block[offset / UNIT] = 0;
}

static void check_used(const struct side *side)
{
    size_t used = 0;
    for (size_t i = 0; i < ARENA / UNIT; i++)
        used += side->block[i] * UNIT;
    NW_FUZZ_CHECK(nw_arena_used(side->ch.arena) == used);
    if (!used)
        NW_FUZZ_CHECK(nw_arena_block_size(side->ch.arena, 0) == 0);
}

/* The peer writes a descriptor, or anything else in front of them. */
static void scribble(struct nw_ring_shared *ring, uint32_t capacity, struct nw_fuzz_input *input)
{
    size_t size, at = nw_fuzz_take(input, 1) % capacity;
    const uint8_t *bytes = nw_fuzz_bytes(input, sizeof ring->desc[0], &size);
    memcpy(&ring->desc[at], bytes, size);
}

static void step(struct side *side, struct nw_fuzz_input *input)
{
    switch (nw_fuzz_take(input, 1) % 12) {
    case 0:
        push(side, nw_fuzz_take(input, 1));
        break;
    case 1:
        pop(side);
        break;
    case 2:
        space(side);
        break;
    case 3:
        alloc(side, nw_fuzz_take(input, 2) % (ARENA + 2));
        break;
    case 4:
        release(side, nw_fuzz_take(input, 1) * UNIT);
        break;
    case 5:
        release(side, nw_fuzz_take(input, 8));
        break;
    case 6:
        side->in->tail = (uint32_t)nw_fuzz_take(input, 4);
        break;
    case 7:
        side->out->head = (uint32_t)nw_fuzz_take(input, 4);
        break;
    case 8:
        side->in->tail++;
        break;
    case 9:
        side->out->head++;
        break;
    case 10:
        scribble(side->in, side->capacity, input);
        break;
    default:
        side->in->head = side->out->tail = (uint32_t)nw_fuzz_take(input, 4); /* ours, but it can be written */
        break;
    }
}

/* Where the peer wrote over our own index, what we keep privately is what counts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_fuzz_input input = {data, size};
    struct side side;
    make(&side, 2u << nw_fuzz_take(&input, 1) % 6);
    for (int i = 0; i < STEPS && input.left; i++) {
        step(&side, &input);
        check_used(&side);
    }
    for (uint64_t at = 0; at < ARENA; at += UNIT)
        release(&side, at);
    alloc(&side, ARENA); /* what was free in pieces is one piece again */
    NW_FUZZ_CHECK(side.block[0] == ARENA / UNIT);
    unmake(&side);
    return 0;
}
