/*
 * The worker's side of the rings (wire, call/arrive.c) against an engine that writes what it likes: a worker that sees
 * nonsense ends, in a word that says so; until then it touches no memory but its own and that of payloads, answers no
 * call twice, and keeps count of what it lent. The rest of the monitor is stood in for.
 */
#include "common/base/log.h"
#include "common/test/fuzz.h"
#include "worker/base/span.h"
#include "worker/call/arrive.h"
#include "worker/call/invoke.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include "worker/executor/ready.h"
#include "worker/executor/wake.h"
#include "worker/wire/carry.h"
#include "worker/wire/link.h"
#include "worker/wire/payload.h"
#include "worker/wire/send.h"
#include <errno.h>
#include <setjmp.h>
#include <string.h>

#define CAPACITY 8
#define ARENA    4096ul
#define SLOTS    6
#define STEPS    2000
#define BRIEF    200

static struct nw_domain domain;
static struct nw_deployed function;
static unsigned char memory[SLOTS][1024]; /* of the domain */
static bool busy[SLOTS];                  /* serves, or waits for an answer */
static jmp_buf death;

/* --- in place of the rest --- */

void nw_die_system(const char *format, ...)
{
    NW_FUZZ_CHECK(strstr(format, "the engine sent"));
    longjmp(death, 1);
}

/* In place of a copy with the domain's rights, which may fault. */
int nw_gate_copy(void *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return 0;
}

struct nw_domain *nw_domain_at(uint64_t index)
{
    return index == 0 ? &domain : NULL;
}

struct nw_deployed *nw_deployed_find(uint32_t deployment)
{
    return deployment == 1 ? &function : NULL;
}

struct nw_arrival *nw__arrival_new(void)
{
    static struct nw_arrival invocation;
    return &invocation;
}

void nw__deployed_enqueue(struct nw_deployed *f, struct nw_arrival *invocation)
{
    NW_FUZZ_CHECK(f == &function);
    for (int i = 0; i < SLOTS; i++) {
        struct nw_slot *slot = &domain.slots[i];
        size_t length = invocation->input.length < sizeof memory[i] ? invocation->input.length : sizeof memory[i];
        if (busy[i])
            continue;
        busy[i] = true;
        memcpy(memory[i], (const void *)invocation->input.at, length);
        slot->state = NW_SLOT_RUNNING;
        slot->invocation = invocation->id;
        slot->output = (struct nw_source){(uint64_t)memory[i], length};
        return;
    }
    nw_complete(invocation->id, NW_STATUS_UNAVAILABLE, "no slot");
}

void nw_deployed_feed(struct nw_deployed *f)
{
    (void)f;
}

static void let_go(struct nw_slot *slot)
{
    NW_FUZZ_CHECK(busy[slot - domain.slots]);
    busy[slot - domain.slots] = false;
    slot->state = NW_SLOT_FREE;
}

void nw_slot_served(struct nw_slot *slot)
{
    let_go(slot);
}

void nw_ready(struct nw_slot *slot)
{
    let_go(slot);
}

struct nw_gate_context *nw_turn(struct nw_slot *slot)
{
    (void)slot;
    return NULL;
}

static int carry(const struct nw_freight *freight)
{
    return nw_gate_copy(freight->to, (const void *)freight->left.at, freight->left.length);
}

/* Every payload that is large waits until an executor takes the slot. */
int nw_carry(struct nw_slot *slot, const struct nw_freight *freight)
{
    if (freight->left.length <= BRIEF)
        return carry(freight);
    slot->freight = *freight;
    slot->state = NW_SLOT_READY;
    return -EINPROGRESS;
}

/* In place of that executor. */
static void take_freight(struct nw_slot *slot)
{
    const enum nw_freight_kind kind = slot->freight.kind;
    int error;
    if (domain.state == NW_DOMAIN_DYING) {
        nw_freight_drop(slot);
        let_go(slot);
        return;
    }
    slot->freight.kind = NW_FREIGHT_NONE;
    slot->state = NW_SLOT_RUNNING;
    error = carry(&slot->freight);
    if (kind == NW_FREIGHT_OUTPUT)
        nw_output_carried(slot, error);
    else if (kind == NW_FREIGHT_CALL)
        nw_call_carried(slot, error);
    else
        nw_reply_carried(slot, error);
    if (kind == NW_FREIGHT_REPLY)
        let_go(slot);
}

char *nw__reply_place(struct nw_slot *caller, uint64_t length)
{
    static char held[ARENA];
    return length <= caller->reply.size ? (char *)caller->reply.at : held;
}

void nw__reply_fail(struct nw_slot *caller, long error)
{
    caller->gate.result = (uint64_t)error;
}

void nw_wake_leader(void)
{
}

void nw_slot_die(struct nw_slot *slot)
{
    let_go(slot);
}

/* --- the play --- */

static struct nw_desc recent[8]; /* what the worker sent last */
static unsigned n_recent;

static void hear(void)
{
    struct nw_ring_shared *ring = nw__links.link[0].channel.out.shared;
    for (int i = 0; i < CAPACITY && ring->head != nw__links.link[0].channel.out.own; i++, ring->head++)
        recent[n_recent++ % 8] = ring->desc[ring->head % CAPACITY];
}

static void say(struct nw_fuzz_input *input)
{
    struct nw_ring_shared *ring = nw__links.link[0].channel.in.shared;
    const struct nw_desc *about = &recent[nw_fuzz_take(input, 1) % 8];
    struct nw_desc desc = {.kind = (uint32_t)nw_fuzz_take(input, 1) % 8, .target = 1, .id = about->id};
    unsigned wrong = (unsigned)nw_fuzz_take(input, 1);
    desc.offset = desc.kind == NW_DESC_RELEASE ? about->offset : nw_fuzz_take(input, 2) % ARENA;
    desc.length = desc.kind == NW_DESC_RELEASE ? 0 : nw_fuzz_take(input, 1);
    desc.status = wrong & 0x10 ? (uint32_t)nw_fuzz_take(input, 1) : NW_STATUS_OK;
    uint64_t *const fields[] = {&desc.id, &desc.offset, &desc.length};
    if ((wrong & 0xf) < 3)
        *fields[wrong & 0xf] = nw_fuzz_take(input, 8);
    if ((wrong & 0xf) == 3)
        desc.target = (uint32_t)nw_fuzz_take(input, 4);
    ring->desc[ring->tail % CAPACITY] = desc;
    ring->tail++;
}

static void call(struct nw_fuzz_input *input)
{
    unsigned which = (unsigned)nw_fuzz_take(input, 1) % SLOTS;
    struct nw_slot *slot = &domain.slots[which];
    if (busy[which])
        return;
    busy[which] = true;
    slot->state = NW_SLOT_RUNNING;
    slot->call_unsent = true;
    snprintf(slot->callee, sizeof slot->callee, "callee");
    slot->input = (struct nw_source){(uint64_t)memory[which], nw_fuzz_take(input, 2) % sizeof memory[which]};
    slot->reply = (struct nw_sink){(uint64_t)memory[which], nw_fuzz_take(input, 2) % sizeof memory[which]};
    if (nw_send_call(slot) == -EAGAIN)
        nw_arena_wait(slot);
}

static void answer(struct nw_fuzz_input *input)
{
    unsigned which = (unsigned)nw_fuzz_take(input, 1) % SLOTS;
    struct nw_slot *slot = &domain.slots[which];
    if (!busy[which] || slot->state != NW_SLOT_RUNNING)
        return;
    slot->output_status = nw_fuzz_take(input, 1) % 4 == 0;
    if (nw_send_output(slot) == -EAGAIN)
        nw_arena_wait(slot);
}

/* Everything in the arena is the domain's: what the monitor itself says here fits into descriptors. */
static void check_counts(void)
{
    NW_FUZZ_CHECK(domain.arena_bytes == nw_arena_used(nw__links.link[0].channel.arena));
}

static void play(struct nw_fuzz_input *input)
{
    for (int i = 0; i < STEPS && input->left; i++) {
        switch (nw_fuzz_take(input, 1) % 8) {
        case 0:
            call(input);
            break;
        case 1:
            answer(input);
            break;
        case 2:
            hear();
            break;
        case 3:
            nw__links.link[0].channel.out.shared->head = (uint32_t)nw_fuzz_take(input, 4);
            break;
        case 4:
            nw__links.link[0].channel.in.shared->tail = (uint32_t)nw_fuzz_take(input, 4);
            break;
        case 5:
            nw_ring_poll();
            for (int slot = 0; slot < SLOTS; slot++)
                if (domain.slots[slot].freight.kind)
                    take_freight(&domain.slots[slot]);
            break;
        case 6:
            domain.state = nw_fuzz_take(input, 1) & 1 ? NW_DOMAIN_DYING : NW_DOMAIN_LIVE;
            break;
        default:
            say(input);
        }
        check_counts();
    }
}

static void set_up(void)
{
    memset(&domain, 0, sizeof domain);
    domain.function = &function;
    memset(busy, 0, sizeof busy);
    memset(recent, 0, sizeof recent);
    n_recent = 0;
    for (int i = 0; i < SLOTS; i++)
        domain.slots[i] = (struct nw_slot){.domain = &domain, .state = NW_SLOT_FREE, .sequence = 1};
    nw__links.link[0].arena_size = ARENA;
    nw__links.n = 1;
    nw__links.link[0].n_outbox = 0;
    struct nw_channel *ch = &nw__links.link[0].channel;
    *ch = (struct nw_channel){.memfd = -1, .own_doorbell = -1, .peer_doorbell = -1, .peer_arena_size = ARENA};
    unsigned char *arena = calloc(1, ARENA), *peer = calloc(1, ARENA);
    struct nw_ring_shared *in = calloc(1, nw_ring_size(CAPACITY)), *out = calloc(1, nw_ring_size(CAPACITY));
    NW_FUZZ_CHECK(arena && peer && in && out && (ch->arena = nw_arena_new(arena, ARENA)));
    ch->peer_arena = peer;
    nw_ring_init(&ch->in, in, CAPACITY);
    nw_ring_init(&ch->out, out, CAPACITY);
    NW_FUZZ_CHECK(nw__payload_init(&nw__links.link[0]) == 0);
}

static void tear_down(void)
{
    for (int i = 0; i < SLOTS; i++)
        nw_arena_forget(&domain.slots[i]);
    struct nw_channel *ch = &nw__links.link[0].channel;
    free(nw_arena_at(ch->arena, 0));
    nw_arena_free(ch->arena);
    free((void *)ch->peer_arena);
    free(ch->in.shared);
    free(ch->out.shared);
    free(nw__links.link[0].owners);
    free(nw__links.link[0].outbox);
    nw__links.link[0].outbox = NULL;
    nw__links.link[0].outbox_size = 0;
}

/* In a function of its own: what setjmp's caller keeps in registers is lost when the worker dies. */
static void play_to_the_end(struct nw_fuzz_input *input)
{
    if (!setjmp(death))
        play(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_fuzz_input input = {data, size};
    set_up();
    play_to_the_end(&input);
    tear_down();
    return 0;
}
