/*
 * The record of libprotect: which pages have which virtual key, and with which protection. Not responsible for the
 * pages themselves, nor for locking: one thread at a time.
 *
 * Ranges never overlap. A change is prepared, which may fail, then carried out on the pages by the caller, then
 * recorded, which cannot fail.
 */
#ifndef NW_PROTECT_LIB_RANGES_H
#define NW_PROTECT_LIB_RANGES_H

#include "protect/gate/vkey.h"

/* [start, end) of pages. The links are the record's own. */
struct nw__range {
    uintptr_t start, end;
    int protection;
    nw_vkey vkey;
    struct nw__range *next, *previous;
};

#define NW__RANGE_CHAINS 256

/* All zero is an empty record. */
struct nw__ranges {
    struct nw__range **sorted; /* by address */
    size_t count, capacity;
    struct nw__range *chains[NW__RANGE_CHAINS]; /* by the low bits of the virtual key */
    struct nw__range *spare;                    /* what a prepared change may need */
};

void nw__ranges_fini(struct nw__ranges *ranges);

/* Makes room for one change. 0 or -ENOMEM. */
int nw__ranges_prepare(struct nw__ranges *ranges);

/* Records that the pages of [start, end) have this key and protection; key 0 forgets them. One prepare before each. */
void nw__ranges_assign(struct nw__ranges *ranges, uintptr_t start, uintptr_t end, int protection, nw_vkey vkey);

/* Forgets which key the ranges of a virtual key have; they are recorded no more. */
void nw__ranges_forget(struct nw__ranges *ranges, nw_vkey vkey);

/* The first range of a virtual key, and the one after; NULL when there is none. */
const struct nw__range *nw__ranges_first(const struct nw__ranges *ranges, nw_vkey vkey);
const struct nw__range *nw__ranges_next(const struct nw__range *range);

/* The first range that ends above `address`, whatever its key, as an index into `sorted`. */
size_t nw__ranges_above(const struct nw__ranges *ranges, uintptr_t address);

#endif
