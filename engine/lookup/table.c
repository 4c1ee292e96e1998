/* See table.h. While it grows there are two arrays, and each addition moves some buckets to the larger one. */
#include "engine/lookup/table.h"
#include "common/base/valid.h"
#include <errno.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64
#define MOVED_AT_ONCE 8

uint64_t nw_table_hash(const void *key, size_t length)
{
    const unsigned char *bytes = key;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash ^ hash >> 32; /* buckets are chosen by the low bits, but the high ones depend on more of the key */
}

static bool is_power(size_t n)
{
    return (n & (n - 1)) == 0;
}

bool nw_table_is_valid(const struct nw_table *table)
{
    return is_power(table->n_buckets) && is_power(table->n_old) && !table->n_buckets == !table->buckets &&
           !table->n_old == !table->old && table->moved <= table->n_old && (table->buckets || !table->n);
}

void nw_table_fini(struct nw_table *table)
{
    free(table->buckets);
    free(table->old);
    *table = (struct nw_table){0};
}

/* The bucket where members of that hash are. */
static struct nw_table_node **bucket_of(const struct nw_table *table, uint64_t hash)
{
    size_t old = table->n_old ? hash & (table->n_old - 1) : 0;
    if (table->n_old && old >= table->moved)
        return &table->old[old];
    return &table->buckets[hash & (table->n_buckets - 1)];
}

static void push(struct nw_table_node **bucket, struct nw_table_node *node)
{
    node->next = *bucket;
    *bucket = node;
}

static void move_some(struct nw_table *table)
{
    for (int i = 0; i < MOVED_AT_ONCE && table->n_old; i++) {
        struct nw_table_node *node = table->old[table->moved++];
        while (node) {
            struct nw_table_node *next = node->next;
            push(&table->buckets[node->hash & (table->n_buckets - 1)], node);
            node = next;
        }
        if (table->moved == table->n_old) {
            free(table->old);
            table->old = NULL;
            table->n_old = table->moved = 0;
        }
    }
}

/* When memory is out it stays as large as it is, with more members in each bucket; only the first array is needed. */
static int grow(struct nw_table *table)
{
    size_t n = table->n_buckets ? 2 * table->n_buckets : FIRST_BUCKETS;
    struct nw_table_node **buckets = calloc(n, sizeof *buckets);
    if (!buckets)
        return table->buckets ? 0 : -ENOMEM;
    table->old = table->buckets;
    table->n_old = table->n_buckets;
    table->buckets = buckets;
    table->n_buckets = n;
    return 0;
}

int nw_table_add(struct nw_table *table, struct nw_table_node *node, uint64_t hash)
{
    nw_check_valid(nw_table, table);
    if (table->n >= table->n_buckets && !table->n_old && grow(table) < 0)
        return -ENOMEM;
    move_some(table);
    node->hash = hash;
    push(bucket_of(table, hash), node);
    table->n++;
    return 0;
}

void nw_table_remove(struct nw_table *table, struct nw_table_node *node)
{
    struct nw_table_node **at = bucket_of(table, node->hash);
    nw_check_valid(nw_table, table);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    table->n--;
}

static struct nw_table_node *with_hash(struct nw_table_node *node, uint64_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct nw_table_node *nw_table_first(const struct nw_table *table, uint64_t hash)
{
    return table->buckets ? with_hash(*bucket_of(table, hash), hash) : NULL;
}

struct nw_table_node *nw_table_next(const struct nw_table_node *node)
{
    return with_hash(node->next, node->hash);
}

static void each_of(struct nw_table_node *node, void (*member)(void *arg, struct nw_table_node *node), void *arg)
{
    while (node) {
        struct nw_table_node *next = node->next;
        member(arg, node);
        node = next;
    }
}

void nw_table_each(struct nw_table *table, void (*member)(void *arg, struct nw_table_node *node), void *arg)
{
    for (size_t i = table->moved; i < table->n_old; i++)
        each_of(table->old[i], member, arg);
    for (size_t i = 0; i < table->n_buckets; i++)
        each_of(table->buckets[i], member, arg);
}
