/* Arrays that grow, and a table from two numbers to one. Without memory the process ends, which is a process of the
 * scan. */
#ifndef NW_DEPLOY_CALLSCAN_IR_GROW_H
#define NW_DEPLOY_CALLSCAN_IR_GROW_H

#include <stddef.h>
#include <stdint.h>

/* `items` with room for one more than `n`. */
void *nw_grow(void *items, size_t n, size_t *room, size_t item_size);

struct nw_table_entry {
    uint64_t a, b;
    uint32_t value; /* of an entry that is free: UINT32_MAX */
};

struct nw_table {
    struct nw_table_entry *entries;
    size_t n, room; /* room is a power of two, or 0 */
};

/* The value of the key; a new key gets `fresh`. */
uint32_t nw_table_put(struct nw_table *table, uint64_t a, uint64_t b, uint32_t fresh);

/* The key has this value from now on. */
void nw_table_set(struct nw_table *table, uint64_t a, uint64_t b, uint32_t value);

/* The value of the key, or UINT32_MAX. */
uint32_t nw_table_get(const struct nw_table *table, uint64_t a, uint64_t b);
void nw_table_fini(struct nw_table *table);

#endif
