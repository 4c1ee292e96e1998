/* What a worker must not do, by name: each breaks the protocol in one way. */
#include "engine/test/fake/hostile.h"

#include "common/base/atomic.h"
#include "common/manifest/control.h"
#include "engine/test/fake/line.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void bad_id(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id ^ 0x8000, .kind = NW_DESC_COMPLETE});
}

static void old_id(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id - (1ull << 32), .kind = NW_DESC_COMPLETE});
}

/* The one that was begun just before, in whatever worker. */
static void neighbours_id(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id - 1, .kind = NW_DESC_COMPLETE});
    fake_complete(desc, NW_STATUS_OK, NULL, 0);
}

/* Remembers its first id, and uses it when the engine's table has come round to the same place. */
static void replay(const struct nw_desc *desc)
{
    static uint64_t first;
    bool again = first && (uint32_t)first == (uint32_t)desc->id;
    first = first ? first : desc->id;
    fake_complete(&(struct nw_desc){.id = again ? first : desc->id}, NW_STATUS_OK, "r", 1);
}

static void twice(const struct nw_desc *desc)
{
    fake_complete(desc, NW_STATUS_OK, "a", 1);
    fake_complete(desc, NW_STATUS_OK, "b", 1);
}

bool fake_lied;

static void bad_offset(const struct nw_desc *desc)
{
    fake_lied = true;
    fake_send(&(struct nw_desc){
        .id = desc->id, .kind = NW_DESC_COMPLETE, .offset = fake_line->peer_arena_size - 1, .length = 2});
}

static void bad_inline(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){
        .id = desc->id, .kind = NW_DESC_COMPLETE, .offset = NW_OFFSET_INLINE, .length = NW_INLINE_MAX + 1});
}

static void bad_length(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id, .kind = NW_DESC_COMPLETE, .offset = 64, .length = UINT64_MAX - 32});
}

static void bad_kind(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id, .kind = 77});
}

static void engines_kind(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id, .kind = NW_DESC_REPLY});
}

static void bad_status(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id, .kind = NW_DESC_COMPLETE, .status = NW_STATUS_COUNT});
}

static void bad_answer(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){
        .id = desc->id, .kind = NW_DESC_COMPLETE, .offset = NW_OFFSET_INLINE, .length = 4, .name_len = 5});
}

static void bad_name(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id, .kind = NW_DESC_CALL, .length = 4, .name_len = 5});
}

static void bad_call(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){
        .id = desc->id, .kind = NW_DESC_CALL, .offset = fake_line->peer_arena_size, .length = 1, .name_len = 1});
}

static void bad_depth(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.id = desc->id, .kind = NW_DESC_CALL, .length = 4, .name_len = 1, .depth = UINT32_MAX});
}

/* By a channel that carries none: the last, which is the first where there is but one. */
static void call_elsewhere(const struct nw_desc *desc)
{
    fake_line = &fake_channels[fake_n_channels - 1];
    fake_send(&(struct nw_desc){
        .id = desc->id, .kind = NW_DESC_CALL, .offset = NW_OFFSET_INLINE, .length = 1, .name_len = 1, .data = "x"});
}

/* An invocation of one thread's, completed by the channel to another. */
static void complete_elsewhere(const struct nw_desc *desc)
{
    fake_line = fake_line == &fake_channels[0] ? &fake_channels[fake_n_channels - 1] : &fake_channels[0];
    fake_send(&(struct nw_desc){.id = desc->id, .kind = NW_DESC_COMPLETE});
}

/* The block of the invocation itself: it is the engine's until COMPLETE. */
static void release_input(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = desc->offset});
}

static void release_nothing(const struct nw_desc *desc)
{
    (void)desc;
    fake_send(&(struct nw_desc){.kind = NW_DESC_RELEASE, .offset = UINT64_MAX - 63});
}

static void read_neighbours(const struct nw_desc *desc)
{
    fake_send(&(struct nw_desc){.kind = NW_DESC_READ, .id = desc->id - 1});
    fake_complete(desc, NW_STATUS_OK, NULL, 0);
}

static void bad_tail(const struct nw_desc *desc)
{
    (void)desc;
    nw_store_release(&fake_line->out.shared->tail,
                     fake_line->out.own + fake_line->out.capacity + 1); /* pairs with pop */
    nw_channel_notify(fake_line);
}

static void bad_head(const struct nw_desc *desc)
{
    fake_complete(desc, NW_STATUS_OK, NULL, 0);
    nw_store_release(&fake_line->in.shared->head, fake_line->in.own + 7); /* pairs with push */
}

static void no_such_deployment(const struct nw_desc *desc)
{
    (void)desc;
    nw_control_send(CONTROL_FD, &(struct nw_control){.kind = NW_CONTROL_LOADED, .deployment = 999999}, NULL, 0, NULL,
                    0);
}

/* Makes the bell that it shares with the engine blocking, and full. */
static void stuck_bell(const struct nw_desc *desc)
{
    uint64_t most = UINT64_MAX - 1;
    while (write(OWN_DOORBELL, &most, sizeof most) > 0)
        continue;
    fcntl(OWN_DOORBELL, F_SETFL, 0);
    nw_store_seq_cst(&fake_line->in.shared->consumer_sleeps, 1); /* pairs with the engine's notify */
    fake_complete(desc, NW_STATUS_OK, NULL, 0);
    pause();
}

/* A line of the version that was deployed next, in whatever worker. */
static void next_line(const struct nw_desc *desc)
{
    const struct nw_said said = {.deployment = desc->target + 1, .stream = STDOUT_FILENO};
    nw_control_send(CONTROL_FD, &(struct nw_control){.kind = NW_CONTROL_LINES}, (const char *)&said, sizeof said, NULL,
                    0);
    fake_complete(desc, NW_STATUS_OK, NULL, 0);
}

static void hello_again(const struct nw_desc *desc)
{
    (void)desc;
    nw_control_send(CONTROL_FD, &(struct nw_control){.kind = NW_CONTROL_HELLO}, NULL, 0, NULL, 0);
}

static void bad_message(const struct nw_desc *desc)
{
    (void)desc;
    ssize_t ignored = write(CONTROL_FD, "nonsense", 8);
    (void)ignored;
}

static const struct {
    const char *name;
    void (*act)(const struct nw_desc *desc);
} hostilities[] = {
    {"bad-id", bad_id},
    {"old-id", old_id},
    {"neighbours-id", neighbours_id},
    {"replay", replay},
    {"twice", twice},
    {"bad-offset", bad_offset},
    {"bad-length", bad_length},
    {"bad-inline", bad_inline},
    {"bad-kind", bad_kind},
    {"engines-kind", engines_kind},
    {"bad-status", bad_status},
    {"bad-answer", bad_answer},
    {"bad-name", bad_name},
    {"bad-call", bad_call},
    {"bad-depth", bad_depth},
    {"call-elsewhere", call_elsewhere},
    {"complete-elsewhere", complete_elsewhere},
    {"release-input", release_input},
    {"release-nothing", release_nothing},
    {"read-neighbours", read_neighbours},
    {"bad-tail", bad_tail},
    {"bad-head", bad_head},
    {"no-such-deployment", no_such_deployment},
    {"next-line", next_line},
    {"hello-again", hello_again},
    {"stuck-bell", stuck_bell},
    {"bad-message", bad_message},
};

void fake_be_hostile(const char *kind, const struct nw_desc *desc)
{
    for (size_t i = 0; i < sizeof hostilities / sizeof hostilities[0]; i++)
        if (!strcmp(kind, hostilities[i].name))
            hostilities[i].act(desc);
}
