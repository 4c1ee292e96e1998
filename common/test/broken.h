/* For tests of the checks that debug builds make of our structures (common/base/valid.h). */
#ifndef NW_COMMON_TEST_BROKEN_H
#define NW_COMMON_TEST_BROKEN_H

#include "common/test/test.h"

/* Breaks one field of a structure that is whole, sees that its check says so, and mends it again. */
#define FOUND(structure, thing, field, broken)     \
    do {                                           \
        __typeof__(field) whole_ = (field);        \
                                                   \
        assert_true(structure##_is_valid(thing));  \
        (field) = (broken);                        \
        assert_false(structure##_is_valid(thing)); \
        (field) = whole_;                          \
        assert_true(structure##_is_valid(thing));  \
    } while (0)

#endif
