/* See wheel.h. */
#include "engine/base/wheel.h"
#include "common/base/valid.h"

#define DIGIT (NW_WHEEL_SLOTS - 1)

static unsigned digit(uint64_t time, unsigned level)
{
    return (unsigned)(time >> (level * NW_WHEEL_BITS)) & DIGIT;
}

/* The highest digit in which they differ. */
static unsigned level_of(uint64_t now, uint64_t at)
{
    uint64_t differs = (now ^ at) | 1;
    return (63u - (unsigned)__builtin_clzll(differs)) / NW_WHEEL_BITS;
}

/* When a slot begins. */
static uint64_t start_of(const struct nw_wheel *wheel, unsigned level, unsigned slot)
{
    unsigned shift = level * NW_WHEEL_BITS;
    uint64_t below = level + 1 < NW_WHEEL_LEVELS ? (UINT64_C(1) << (shift + NW_WHEEL_BITS)) - 1 : UINT64_MAX;
    return (wheel->now & ~below) | (uint64_t)slot << shift;
}

static bool holds(const struct nw_wheel *wheel, unsigned level, unsigned slot)
{
    return wheel->slots[level] >> slot & 1;
}

/* Whether a turn has begun to move what is in this slot down, and not come to its end. */
static bool is_emptied(const struct nw_wheel *wheel, unsigned level, unsigned slot)
{
    return level && level == wheel->emptied && slot == digit(wheel->now, level);
}

void nw_wheel_init(struct nw_wheel *wheel, uint64_t now)
{
    *wheel = (struct nw_wheel){.now = now};
    for (unsigned level = 0; level < NW_WHEEL_LEVELS; level++)
        for (unsigned slot = 0; slot < NW_WHEEL_SLOTS; slot++)
            nw_list_init(&wheel->timers[level][slot]);
}

static bool slot_is_valid(const struct nw_wheel *wheel, unsigned level, unsigned slot)
{
    const struct nw_list *timers = &wheel->timers[level][slot];
    nw_list_each(timers, at, walk)
    {
        const struct nw_wheel_timer *timer = nw_container(at, struct nw_wheel_timer, link);
        bool due_here = level_of(wheel->now, timer->at) == level || is_emptied(wheel, level, slot);
        if (timer->level != level || timer->slot != slot || timer->at < wheel->now || !due_here ||
            digit(timer->at, level) != slot)
            return false;
    }
    return holds(wheel, level, slot) == !nw_list_empty(timers);
}

bool nw_wheel_is_valid(const struct nw_wheel *wheel)
{
    for (unsigned level = 0; level < NW_WHEEL_LEVELS; level++) {
        if ((wheel->levels >> level & 1) != (wheel->slots[level] != 0))
            return false;
        for (unsigned slot = 0; slot < NW_WHEEL_SLOTS; slot++)
            if (!slot_is_valid(wheel, level, slot))
                return false;
    }
    return true;
}

bool nw_wheel_is_set(const struct nw_wheel_timer *timer)
{
    return timer->link.next && !nw_list_empty(&timer->link);
}

static void put(struct nw_wheel *wheel, struct nw_wheel_timer *timer)
{
    unsigned level = level_of(wheel->now, timer->at), slot = digit(timer->at, level);
    timer->level = (uint8_t)level;
    timer->slot = (uint8_t)slot;
    nw_list_append(&wheel->timers[level][slot], &timer->link);
    wheel->slots[level] |= UINT64_C(1) << slot;
    wheel->levels |= 1u << level;
}

void nw_wheel_stop(struct nw_wheel *wheel, struct nw_wheel_timer *timer)
{
    if (!nw_wheel_is_set(timer))
        return;
    unsigned level = timer->level;
    nw_list_remove(&timer->link);
    if (!nw_list_empty(&wheel->timers[level][timer->slot]))
        return;
    wheel->slots[level] &= ~(UINT64_C(1) << timer->slot);
    if (!wheel->slots[level])
        wheel->levels &= ~(1u << level);
}

void nw_wheel_set(struct nw_wheel *wheel, struct nw_wheel_timer *timer, uint64_t at)
{
    if (!timer->link.next)
        nw_list_init(&timer->link);
    nw_wheel_stop(wheel, timer);
    timer->at = at > wheel->now ? at : wheel->now + 1;
    put(wheel, timer);
}

void nw_wheel_set_by(struct nw_wheel *wheel, struct nw_wheel_timer *timer, uint64_t at)
{
    if (!nw_wheel_is_set(timer) || timer->at > at)
        nw_wheel_set(wheel, timer, at);
}

/* Which slot comes next. False: no timer is set. */
static bool find_first(const struct nw_wheel *wheel, unsigned *level, unsigned *slot)
{
    if (!wheel->levels)
        return false;
    *level = wheel->emptied;
    *slot = digit(wheel->now, wheel->emptied);
    if (wheel->emptied && holds(wheel, *level, *slot))
        return true;
    *level = (unsigned)__builtin_ctz(wheel->levels);
    *slot = (unsigned)__builtin_ctzll(wheel->slots[*level]);
    return true;
}

uint64_t nw_wheel_next(const struct nw_wheel *wheel)
{
    unsigned level, slot;
    return find_first(wheel, &level, &slot) ? start_of(wheel, level, slot) : NW_WHEEL_NEVER;
}

/* Takes the first timer of a slot, which has begun. */
static void take(struct nw_wheel *wheel, unsigned level, unsigned slot)
{
    struct nw_wheel_timer *timer = nw_container(wheel->timers[level][slot].next, struct nw_wheel_timer, link);
    wheel->now = start_of(wheel, level, slot);
    wheel->emptied = level;
    nw_wheel_stop(wheel, timer);
    if (timer->at <= wheel->now) {
        timer->due(timer);
        return;
    }
    put(wheel, timer);
    nw_check_valid(nw_wheel, wheel);
}

bool nw_wheel_turn(struct nw_wheel *wheel, uint64_t now, unsigned most)
{
    unsigned level, slot;
    while (find_first(wheel, &level, &slot) && start_of(wheel, level, slot) <= now) {
        if (!most--)
            return true;
        take(wheel, level, slot);
    }
    wheel->now = now > wheel->now ? now : wheel->now;
    return false;
}
