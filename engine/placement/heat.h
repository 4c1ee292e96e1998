/*
 * How busy a function is in one worker, and how often it lacks a key there, learnt from what the worker says now and
 * then. Not responsible for what follows from that (placement.h).
 */
#ifndef NW_ENGINE_PLACEMENT_HEAT_H
#define NW_ENGINE_PLACEMENT_HEAT_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing is known, so it is not busy. */
struct nw_heat {
    uint64_t at;      /* ms: when the worker last said something that was counted; 0: never */
    uint32_t calls;   /* what it said then: as in struct nw_calls, */
    uint64_t rekeyed; /* so is this */
    bool hot;         /* it is called often */
    bool fights;      /* a key that was taken from it is soon wanted back */
};

/* The worker said at `now` how often it began or ended invocations, and got back a key, so far. */
void nw_heat_note(struct nw_heat *heat, uint32_t calls, uint64_t rekeyed, uint64_t now);

/* Workers say nothing of what is not called: after a while it is not busy. */
void nw_heat_cool(struct nw_heat *heat, uint64_t now);

#endif
