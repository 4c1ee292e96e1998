/*
 * At which addresses a version lies: each gets a place of its own, in an order that is drawn anew at each start of the
 * engine, until there are no more; then places are dealt again. Versions that have the same place are only in each
 * other's way where they are in the same worker. Not responsible for what is done then (worker/life/make.c).
 */
#ifndef NW_ENGINE_PLACEMENT_ADDRESSES_H
#define NW_ENGINE_PLACEMENT_ADDRESSES_H

#include <stdint.h>

struct nw_addresses {
    uint64_t first, stride; /* in places */
    uint64_t dealt;
};

void nw_addresses_init(struct nw_addresses *addresses);

/* Where the range of a version begins: at a random page of its place; see common/manifest/control.h. */
uint64_t nw_addresses_deal(struct nw_addresses *addresses);

#endif
