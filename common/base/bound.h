/*
 * Bounds that also hold ahead of their check. A processor guesses how a comparison ends and goes on meanwhile, and what
 * it loads by a number that is out of bounds leaves traces in the caches. A number that comes from outside, and by
 * which memory is found, is masked by arithmetic besides being compared: there is nothing to guess in that.
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

/* The number itself when it is below the bound, else 0. For use behind a check. */
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
