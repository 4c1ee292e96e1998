/*
 * A hash table whose members contain a `struct nw_table_node`. When it grows, each addition moves only a few buckets,
 * so that none takes long in a large table, which is why it is no library's (docs/decisions/lookup.md). Not responsible
 * for what a key is: whoever looks for one computes its hash, and compares it with all members of that hash.
 */
#ifndef NW_ENGINE_LOOKUP_TABLE_H
#define NW_ENGINE_LOOKUP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_table_node {
    struct nw_table_node *next; /* in its bucket */
    uint64_t hash;
};

/* All zero: empty. */
struct nw_table {
    struct nw_table_node **buckets, **old; /* `old`: while it grows; buckets from `moved` on still have their members */
    size_t n_buckets, n_old, moved;        /* the first two are powers of two, or 0 */
    size_t n;
};

/* The FNV-1a hash of bytes, with its halves mixed. */
uint64_t nw_table_hash(const void *key, size_t length);

/* Frees the buckets; members are their owners'. */
void nw_table_fini(struct nw_table *table);

bool nw_table_is_valid(const struct nw_table *table);

/* Adds a member under a hash. 0, or -ENOMEM with nothing changed; only the first addition can fail. */
int nw_table_add(struct nw_table *table, struct nw_table_node *node, uint64_t hash);
void nw_table_remove(struct nw_table *table, struct nw_table_node *node);

/* The first member with that hash, and the next behind one; NULL when there is none. */
struct nw_table_node *nw_table_first(const struct nw_table *table, uint64_t hash);
struct nw_table_node *nw_table_next(const struct nw_table_node *node);

/* Calls back for each member. The callback may remove that one, and changes nothing else. */
void nw_table_each(struct nw_table *table, void (*member)(void *arg, struct nw_table_node *node), void *arg);

#endif
