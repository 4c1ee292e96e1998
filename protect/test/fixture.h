/* What tests of hostile files share: files built beside the test program, and copies that end at unreadable memory. */
#ifndef NW_PROTECT_TEST_FIXTURE_H
#define NW_PROTECT_TEST_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* The bytes of a file in the folder of the running program, or at an absolute path; NULL when it cannot be read. The
 * caller frees them. */
uint8_t *fixture_read(const char *name, size_t *size);

/* Room for up to `max` bytes in front of an unreadable page. */
struct fence {
    uint8_t *map;
    size_t max;
};
void fence_init(struct fence *fence, size_t max);
void fence_fini(struct fence *fence);

/* The last `size` bytes of the room. */
uint8_t *fence_end(struct fence *fence, size_t size);

/* A copy of `size` bytes whose last one is the last readable one. The one before becomes invalid,
 * but may be what is copied. */
uint8_t *fence_copy(struct fence *fence, const uint8_t *bytes, size_t size);

/* A repeatable sequence of numbers; *state is the seed and must not be 0. */
uint64_t next_random(uint64_t *state);

#endif
