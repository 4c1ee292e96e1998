/*
 * Bounds that also hold under speculation. A processor guesses the result of a comparison and runs ahead; what it then
 * loads through an index that is out of bounds leaves traces in the caches. So an index that comes from outside is
 * compared and, besides, masked by arithmetic, which the processor does not guess.
 */
#ifndef NW_COMMON_BASE_BOUND_H
#define NW_COMMON_BASE_BOUND_H

#include <stdint.h>

/* All ones when number < bound, else 0. The compiler must not see through it, or it makes a branch of it. */
static inline uint64_t nw_mask_below(uint64_t number, uint64_t bound)
{
    uint64_t mask;

    __asm__("cmpq %2, %1\n\tsbbq %0, %0" : "=r"(mask) : "r"(number), "r"(bound) : "cc");
    return mask;
}

/* The number itself when it is below the bound, else 0. For use after a check. */
static inline uint64_t nw_index(uint64_t number, uint64_t bound)
{
    return number & nw_mask_below(number, bound);
}

/* The lesser of two, by the same arithmetic. */
static inline uint64_t nw_least(uint64_t a, uint64_t b)
{
    return b ^ ((a ^ b) & nw_mask_below(a, b));
}

#endif
