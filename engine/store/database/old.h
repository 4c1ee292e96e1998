/*
 * Registries of earlier versions, which are read once: an SQLite database without a seal (old.c), and a journal of
 * records (old_journal.c).
 */
#ifndef NW_ENGINE_STORE_DATABASE_OLD_H
#define NW_ENGINE_STORE_DATABASE_OLD_H

#include "engine/store/database/database.h"
#include <stdbool.h>
#include <stddef.h>

/* A function; one without manifest was removed. Its checksum is not set. */
typedef void nw__old_each(void *arg, const struct nw__database_row *row);

/*
 * Checks the database at `path` and, if it is whole, calls back for each function, unless `each` is NULL. `sealed`: the
 * version that wrote it also wrote a checksum, so a database without one is damaged. SQLITE_OK; SQLITE_MISMATCH when
 * that is lacking, SQLITE_CORRUPT when it is damaged, or why it cannot be read.
 */
int nw__old_read(const char *path, bool sealed, nw__old_each *each, void *arg);

/* Whether bytes are the beginning of a journal. */
bool nw__old_is_journal(const char *data, size_t length);

/* What a journal is like: nothing lacks that was reported as done; the number of its last record. */
struct nw__old_journal {
    bool whole;
    int64_t last;
};

/* Calls back for each record that is whole, in the order of the file, unless `each` is NULL. */
struct nw__old_journal nw__old_read_journal(const char *data, size_t length, nw__old_each *each, void *arg);

#endif
