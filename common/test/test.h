/* What every cmocka test includes first, in the order that cmocka wants. */
#ifndef NW_COMMON_TEST_TEST_H
#define NW_COMMON_TEST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A xorshift generator: the same numbers in every run, so that a failure can be seen again. */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
