/*
 * Payloads for the engine: in the descriptor when they are small, else in a block of the link's arena, which a domain
 * answers for until the engine releases it. A domain may hold a quarter of an arena, or one payload of any size; the
 * last quarter is for those that hold little, so that none finds all of it taken by others.
 *
 * Lock: the monitor's lock.
 */
#ifndef NW_WORKER_WIRE_PAYLOAD_H
#define NW_WORKER_WIRE_PAYLOAD_H

#include <stdint.h>

struct nw_desc;
struct nw_domain;
struct nw_link;

/* Prepares a link's arena; before anything is placed. 0 or -ENOMEM. */
int nw__payload_init(struct nw_link *link);

/* Gives a payload of desc->length bytes its place, *at, and desc->offset. `domain` answers for it; NULL: the monitor,
 * for the little it has to say. 0; -ENOMEM: not now; -E2BIG: never. */
int nw__payload_place(struct nw_link *link, struct nw_domain *domain, struct nw_desc *desc, unsigned char **at);

/* The block is free again. -EINVAL: it is none that is in use. */
int nw__payload_release(struct nw_link *link, uint64_t offset);

#endif
