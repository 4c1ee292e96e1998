/* See grow.h. */
#include "deploy/callscan/ir/grow.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *memory)
{
    if (memory)
        return memory;
    fputs("callscan: out of memory\n", stderr);
    abort();
}

void *nw_grow(void *items, size_t n, size_t *room, size_t item_size)
{
    if (n < *room)
        return items;
    *room = *room ? 2 * *room : 4;
    return must(reallocarray(items, *room, item_size));
}

/* Where the key is, or would be. */
static struct nw_table_entry *slot_of(const struct nw_table *table, uint64_t a, uint64_t b)
{
    uint64_t hash = (a ^ (b * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;

    for (size_t i = hash >> 20;; i++) {
        struct nw_table_entry *entry = &table->entries[i & (table->room - 1)];
        if (entry->value == UINT32_MAX || (entry->a == a && entry->b == b))
            return entry;
    }
}

static void double_room(struct nw_table *table)
{
    struct nw_table larger = {.room = table->room ? 2 * table->room : 64, .n = table->n};

    larger.entries = must(reallocarray(NULL, larger.room, sizeof *larger.entries));
    memset(larger.entries, 0xff, larger.room * sizeof *larger.entries);
    for (size_t i = 0; i < table->room; i++)
        if (table->entries[i].value != UINT32_MAX)
            *slot_of(&larger, table->entries[i].a, table->entries[i].b) = table->entries[i];
    free(table->entries);
    *table = larger;
}

uint32_t nw_table_put(struct nw_table *table, uint64_t a, uint64_t b, uint32_t fresh)
{
    if (2 * (table->n + 1) > table->room)
        double_room(table);
    struct nw_table_entry *entry = slot_of(table, a, b);
    if (entry->value == UINT32_MAX) {
        *entry = (struct nw_table_entry){a, b, fresh};
        table->n++;
    }
    return entry->value;
}

void nw_table_set(struct nw_table *table, uint64_t a, uint64_t b, uint32_t value)
{
    nw_table_put(table, a, b, value);
    slot_of(table, a, b)->value = value;
}

uint32_t nw_table_get(const struct nw_table *table, uint64_t a, uint64_t b)
{
    return table->room ? slot_of(table, a, b)->value : UINT32_MAX;
}

void nw_table_fini(struct nw_table *table)
{
    free(table->entries);
    *table = (struct nw_table){0};
}
