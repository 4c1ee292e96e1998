/*
 * The table of virtual protection keys: any number of random 64-bit handles over the few keys of the hardware. It
 * decides who holds which hardware key and who must give one up. Not responsible for moving pages from one key to
 * another, which the caller does at the two moments named below, nor for locking: one thread at a time.
 *
 * A virtual key is unbound, bound to a hardware key, or bound and pinned (something runs with its rights):
 *
 *            bind               pin (counts)
 *   unbound ------> bound, idle ------------> pinned
 *      ^               |    ^                   |
 *      +--- unbind ----+    +------ unpin ------+
 */
#ifndef NW_PROTECT_GATE_VKEY_H
#define NW_PROTECT_GATE_VKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A handle. 0 is never one. It cannot be guessed, and one that was freed does not come back. */
typedef uint64_t nw_vkey;

struct nw_vkeys;

/* A table over the hardware keys whose bits are set in `hardware` (bit k is key k; key 0 is everybody's and cannot be
 * in it). NULL with errno set: EINVAL, ENOMEM. */
struct nw_vkeys *nw_vkeys_new(uint16_t hardware);
void nw_vkeys_free(struct nw_vkeys *table);

/* Makes an unbound virtual key. 0, -ENOMEM, or what getrandom says. */
int nw_vkey_new(struct nw_vkeys *table, nw_vkey *vkey);

/* Ends a virtual key; its hardware key may be given to another at once, so no page may be left in it. 0, -EBUSY
 * (pinned), -EINVAL (no such handle, as everywhere below). */
int nw_vkey_free(struct nw_vkeys *table, nw_vkey vkey);

/*
 * Gives a virtual key a hardware key. Positive: that key, old or new; the caller moves the pages into it if it is new.
 * 0: there is none left; *victim is the least recently used idle one, to be evicted: the caller makes its pages
 * inaccessible, then calls nw_vkey_unbind(victim) and nw_vkey_bind again. -EBUSY: all are pinned.
 */
int nw_vkey_bind(struct nw_vkeys *table, nw_vkey vkey, nw_vkey *victim);

/* Takes the hardware key away, after the pages have left it. 0, also when there was none; -EBUSY (pinned). */
int nw_vkey_unbind(struct nw_vkeys *table, nw_vkey vkey);

/* Holds a bound virtual key until as many unpins. The hardware key, or -EAGAIN when it is not bound. */
int nw_vkey_pin(struct nw_vkeys *table, nw_vkey vkey);

/* 0, or -EINVAL when it is not pinned. The last one makes it the most recently used. */
int nw_vkey_unpin(struct nw_vkeys *table, nw_vkey vkey);

/* The hardware key, 0 when unbound. */
int nw_vkey_hardware(const struct nw_vkeys *table, nw_vkey vkey);

/* Whether something pins it; false for what is no handle. */
bool nw_vkey_pinned(const struct nw_vkeys *table, nw_vkey vkey);

/* Who holds a hardware key, as a fault's si_pkey names it; 0 when nobody does or there is no such key. */
nw_vkey nw_vkey_holder(const struct nw_vkeys *table, int hardware);

#endif
