/* See rows.h. */
#include "engine/store/rows.h"
#include "common/base/log.h"
#include "engine/base/list.h"
#include <stdlib.h>
#include <string.h>

static struct nw__row *by_name(const struct nw_table_node *node)
{
    return nw_container(node, struct nw__row, by_name);
}

static uint64_t hash_name(const char *name)
{
    return nw_table_hash(name, strlen(name));
}

static uint64_t hash_code(const char *sha256)
{
    return nw_table_hash(sha256, NW_RECORD_SHA256);
}

struct each {
    void (*callback)(void *arg, struct nw__row *row);
    void *arg;
};

static void call_back(void *arg, struct nw_table_node *node)
{
    const struct each *each = arg;
    each->callback(each->arg, by_name(node));
}

void nw__rows_each(struct nw__rows *rows, void (*callback)(void *arg, struct nw__row *row), void *arg)
{
    struct each each = {callback, arg};
    nw_table_each(&rows->names, call_back, &each);
}

static void free_row(void *arg, struct nw__row *row)
{
    (void)arg;
    free(row);
}

void nw__rows_fini(struct nw__rows *rows)
{
    nw__rows_each(rows, free_row, NULL);
    nw_table_fini(&rows->names);
    nw_table_fini(&rows->codes);
}

struct nw__row *nw__row_new(const char *name, const char *sha256)
{
    size_t length = strlen(name) + 1;
    struct nw__row *row = malloc(sizeof *row + length);
    if (!row)
        return NULL;
    *row = (struct nw__row){.place = {0}};
    memcpy(row->sha256, sha256, NW_RECORD_SHA256);
    memcpy(row->name, name, length);
    return row;
}

struct nw__row *nw__rows_take(struct nw__rows *rows, const char *name)
{
    struct nw_table_node *node = nw_table_first(&rows->names, hash_name(name));
    while (node && strcmp(by_name(node)->name, name) != 0)
        node = nw_table_next(node);
    if (!node)
        return NULL;
    struct nw__row *row = by_name(node);
    nw_table_remove(&rows->names, &row->by_name);
    nw_table_remove(&rows->codes, &row->by_code);
    rows->bytes -= row->place.length;
    return row;
}

struct nw__row *nw__rows_put(struct nw__rows *rows, struct nw__row *row, struct nw_journal_place place)
{
    struct nw__row *before = nw__rows_take(rows, row->name);
    row->place = place;
    if (nw_table_add(&rows->names, &row->by_name, hash_name(row->name)) < 0 ||
        nw_table_add(&rows->codes, &row->by_code, hash_code(row->sha256)) < 0)
        nw_die_system("cannot keep the registry: out of memory");
    rows->bytes += place.length;
    return before;
}

bool nw__rows_name(const struct nw__rows *rows, const char *sha256)
{
    const struct nw_table_node *node = nw_table_first(&rows->codes, hash_code(sha256));
    while (node && memcmp(nw_container(node, const struct nw__row, by_code)->sha256, sha256, NW_RECORD_SHA256) != 0)
        node = nw_table_next(node);
    return node != NULL;
}
