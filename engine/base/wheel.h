/*
 * The deadlines of one thread: a hierarchical timing wheel. To set, to move and to stop a timer takes the same time
 * however many there are, and a turn looks at those that are due alone, besides moving each down a level now and then.
 * Knows no clock, and wakes nobody: its owner turns it, at the latest when nw_wheel_next says.
 */
#ifndef NW_ENGINE_BASE_WHEEL_H
#define NW_ENGINE_BASE_WHEEL_H

#include "engine/base/list.h"
#include <stdbool.h>
#include <stdint.h>

#define NW_WHEEL_BITS   6
#define NW_WHEEL_SLOTS  (1u << NW_WHEEL_BITS)
#define NW_WHEEL_LEVELS 11 /* which cover all times, so that none is too far away */
#define NW_WHEEL_NEVER  UINT64_MAX

/* Zero is one that is not set. */
struct nw_wheel_timer {
    struct nw_list link;
    uint64_t at;
    uint8_t level, slot;                       /* where it lies */
    void (*due)(struct nw_wheel_timer *timer); /* it is not set any more, and may be set again or be gone */
};

/* Slot S of level L holds what is due at a time that agrees with `now` above digit L and has S as digit L, in the
 * number system of base 64. So the first slot of the lowest level that holds any has the earliest. */
struct nw_wheel {
    uint64_t now;                    /* all that was due up to then has been called */
    unsigned emptied;                /* the level of the slot that moves down at the moment; 0: none does */
    uint32_t levels;                 /* those that hold timers, a bit each */
    uint64_t slots[NW_WHEEL_LEVELS]; /* of each level the slots that do */
    struct nw_list timers[NW_WHEEL_LEVELS][NW_WHEEL_SLOTS];
};

void nw_wheel_init(struct nw_wheel *wheel, uint64_t now);
bool nw_wheel_is_valid(const struct nw_wheel *wheel);

bool nw_wheel_is_set(const struct nw_wheel_timer *timer);

/* Due at that time, or in the next millisecond when that is over. */
void nw_wheel_set(struct nw_wheel *wheel, struct nw_wheel_timer *timer, uint64_t at);

/* Due no later than that: it stays as it is when it is due earlier. Who sets it later and later, and asks when it is
 * due whether that is still so, moves it rarely. */
void nw_wheel_set_by(struct nw_wheel *wheel, struct nw_wheel_timer *timer, uint64_t at);

void nw_wheel_stop(struct nw_wheel *wheel, struct nw_wheel_timer *timer);

/* Calls what is due, in the order of time, and moves timers down, `most` of both together. True: more is left to do. */
bool nw_wheel_turn(struct nw_wheel *wheel, uint64_t now, unsigned most);

/* When there is something for a turn to do: no later than the first timer is due. NW_WHEEL_NEVER: none is set. */
uint64_t nw_wheel_next(const struct nw_wheel *wheel);

#endif
