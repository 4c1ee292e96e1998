/*
 * A hash table whose members are in it by a `struct nw_table_node` of their own. It grows with what is in it, a few
 * buckets at each change, so that no change takes longer the more there is. Not responsible for what a key is: who
 * looks for one computes its hash, and compares what has the same.
 */
#ifndef NW_ENGINE_BASE_TABLE_H
#define NW_ENGINE_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_table_node {
    struct nw_table_node *next; /* in its bucket */
    uint64_t hash;
};

/* All zero: empty. */
struct nw_table {
    struct nw_table_node **buckets, **old; /* members of old buckets from `moved` on are still there */
    size_t n_buckets, n_old, moved;        /* powers of two, or 0 */
    size_t n;
};

/* Of bytes; FNV-1a. */
uint64_t nw_table_hash(const void *key, size_t length);

/* Frees what is the table's own. */
void nw_table_fini(struct nw_table *table);

bool nw_table_is_valid(const struct nw_table *table);

/* 0, or -ENOMEM with nothing changed. */
int nw_table_add(struct nw_table *table, struct nw_table_node *node, uint64_t hash);
void nw_table_remove(struct nw_table *table, struct nw_table_node *node);

/* The first member with that hash, and the next behind one; NULL when there is none. */
struct nw_table_node *nw_table_first(const struct nw_table *table, uint64_t hash);
struct nw_table_node *nw_table_next(const struct nw_table_node *node);

/* Calls back for each member. The callback may remove that one, and changes nothing else. */
void nw_table_each(struct nw_table *table, void (*member)(void *arg, struct nw_table_node *node), void *arg);

#endif
