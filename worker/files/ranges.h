/*
 * Which ranges of a file somebody has locked, as the kernel keeps them: sorted, and alike neighbours are one. A pure
 * data structure; so that it is known how many records the kernel has. One thread at a time.
 */
#ifndef NW_WORKER_FILES_RANGES_H
#define NW_WORKER_FILES_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_RANGES_GROWTH 2 /* by one change at most: one range is cut in two, and one comes between */

struct nw_range {
    uint64_t start, last;
    short type; /* F_RDLCK or F_WRLCK; to set one, also F_UNLCK */
};

struct nw_ranges {
    struct nw_range *list;
    size_t n, room;
};

void nw__ranges_fini(struct nw_ranges *ranges);

/* Makes sure that a change will find room. 0 or -ENOMEM. */
int nw__ranges_reserve(struct nw_ranges *ranges);

/* How many there will be once the range is set. */
size_t nw__ranges_after(const struct nw_ranges *ranges, const struct nw_range *set);

/* Sets the range, whatever was there. There must be room. */
void nw__ranges_set(struct nw_ranges *ranges, const struct nw_range *set);

/* Sorted, apart, and what is alike is one: for tests and debug builds. */
bool nw_ranges_is_valid(const struct nw_ranges *ranges);

#endif
