/*
 * Which functions the registry has: of each the name, the hash of its code, and where its record is. Not responsible
 * for files.
 */
#ifndef NW_ENGINE_STORE_ROWS_H
#define NW_ENGINE_STORE_ROWS_H

#include "engine/lookup/table.h"
#include "engine/store/journal/journal.h"
#include <stdbool.h>
#include <stdint.h>

struct nw__row {
    struct nw_table_node by_name, by_code;
    struct nw_journal_place place, next; /* of its record: in the journal, and in the one that is being written anew */
    char sha256[NW_RECORD_SHA256];       /* without NUL */
    char name[];
};

/* All zero: none. */
struct nw__rows {
    struct nw_table names, codes;
    uint64_t bytes; /* length of the records of all rows */
};

void nw__rows_fini(struct nw__rows *rows);

/* A row that is in no table yet; free() frees it. NULL when memory is out. */
struct nw__row *nw__row_new(const char *name, const char *sha256);

/* Takes over a row, in place of the one of the same name, which is returned to be freed; NULL: there was none. Ends the
 * process when there is no memory for the very first row; later ones need none. */
struct nw__row *nw__rows_put(struct nw__rows *rows, struct nw__row *row, struct nw_journal_place place);

/* Removes the row of that name, and returns it to be freed; NULL: there is none. */
struct nw__row *nw__rows_take(struct nw__rows *rows, const char *name);

/* Whether a row has that code. */
bool nw__rows_name(const struct nw__rows *rows, const char *sha256);

void nw__rows_each(struct nw__rows *rows, void (*callback)(void *arg, struct nw__row *row), void *arg);

#endif
