/*
 * State of the processor that no permission guards (row 32 of the threats): what one domain leaves there must not be
 * seen by the next. It calls its copy, whose first words are what it found.
 */
#include "worker/base/ops.h"
#include "worker/test/attack/attack.h"
#include <stdio.h>
#include <string.h>

#define SELECTOR_USER 0x2b /* of data */
#define SELECTOR_NULL 3    /* also none, but another one */
#define FLAG_ID       0x200000
#define COPY          "state2"

/* What LDTILECFG takes, if the processor has tiles. */
struct tiles {
    uint8_t palette, start_row, reserved[14];
    uint16_t columns[16];
    uint8_t rows[16];
} __attribute__((aligned(64)));

static const struct tiles shape = {
    .palette = 1, .columns = {64, 32, 33, 34, 35, 36, 37, 38}, .rows = {16, 9, 9, 9, 9, 9, 9, 9}};

static uint64_t flags(void)
{
    uint64_t value;

    __asm__ volatile("pushfq; popq %0" : "=r"(value));
    return value;
}

/* In the copy; argument 1: whether there are tiles. */
static const char *try_look(struct attacker *a)
{
    struct tiles found = {0};
    uint32_t ds, es, fs;
    uint64_t id = flags() & FLAG_ID;

    if (a->arg[1])
        __asm__ volatile("sttilecfg %0" : "=m"(found));
    __asm__("movl %%ds, %0; movl %%es, %1; movl %%fs, %2" : "=r"(ds), "=r"(es), "=r"(fs));
    if (memcmp(&found, &shape, sizeof(found)) == 0)
        return "found the shape of tiles";
    if (ds || es || fs || id)
        return attack_say(a, "found DS %#x, ES %#x, FS %#x, ID %d", ds, es, fs, id != 0);
    return "found nothing";
}

/* A call of the copy, by the short way since it has been called before. What is left there comes right before it; FS is
 * of no use from then on. */
static const char *call_copy(struct attacker *a, const char *input, void (*leave)(void))
{
    static char reply[64];
    const uint64_t route = (uint64_t)attack_gate_call(NW_OP_ROUTE, (uint64_t)COPY, strlen(COPY), 0, 0);
    long length = (long)route;

    for (int i = 0; i < 2 && length >= 0; i++) {
        if (i)
            leave();
        length = attack_gate_call(route << 32 | NW_OP_CALL, (uint64_t)input, strlen(input), (uint64_t)reply,
                                  sizeof(reply) - 1);
    }
    if (length < 0)
        return attack_say(a, "cannot call the copy: %ld", length);
    reply[length] = '\0';
    return reply;
}

static void leave_tiles(void)
{
    __asm__ volatile("ldtilecfg %0" : : "m"(shape));
}

static const char *try_tiles(struct attacker *a)
{
    return call_copy(a, "look 0 1", leave_tiles);
}

static void leave_selectors(void)
{
    __asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %1, %%fs" : : "r"(SELECTOR_USER), "r"(SELECTOR_NULL));
}

static const char *try_selectors(struct attacker *a)
{
    return call_copy(a, "look 0 0", leave_selectors);
}

static void leave_flag(void)
{
    __asm__ volatile("pushq %0; popfq" : : "r"(flags() | FLAG_ID) : "cc");
}

static const char *try_flag(struct attacker *a)
{
    return call_copy(a, "look 0 0", leave_flag);
}

const struct attack attacks[] = {
    {"look", try_look}, {"tiles", try_tiles}, {"selectors", try_selectors}, {"flag", try_flag}, {0},
};
