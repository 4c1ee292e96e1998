/*
 * The tables of the registry and the checksum over them, which shows when bits have flipped. Not responsible for files.
 *
 * The table `code` lists the shared objects that this registry has written to the store. A file that is neither listed
 * nor named by a row may be somebody else's, and is left alone. The checksum does not cover this table: if a line of it
 * is lost, only a file is kept that could be removed.
 */
#ifndef NW_ENGINE_STORE_REGISTRY_SEAL_H
#define NW_ENGINE_STORE_REGISTRY_SEAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

enum nw__seal {
    NW__SEAL_WHOLE,
    NW__SEAL_NONE,       /* well formed, and made by a version without a checksum */
    NW__SEAL_BROKEN,     /* not what was written */
    NW__SEAL_UNREADABLE, /* cannot be looked at: no right, a disk error */
};

/* Looks at all of a database that was opened with result `rc`. `writable`: nothing but damage would keep us from
 * writing. What is wrong with it goes to `why`. */
enum nw__seal nw__seal_check(sqlite3 *db, int rc, bool writable, char *why, size_t why_size);

/* Makes the tables that are missing, and the checksum. These and the next return a result code of SQLite. */
int nw__seal_make(sqlite3 *db);

/* Within a transaction: SQLITE_CORRUPT unless the checksum holds; and makes it hold again after a change. */
int nw__seal_holds(sqlite3 *db);
int nw__seal_renew(sqlite3 *db);

/* Whether two databases that are whole have the same rows. */
bool nw__seal_same(sqlite3 *one, sqlite3 *other);

/* Takes code that no row names off the list. */
int nw__seal_forget_unnamed(sqlite3 *db);

#endif
