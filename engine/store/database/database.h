/*
 * One file of the registry: an SQLite database of functions, of code that may belong to nobody, and a seal. Each row
 * has a checksum and the number of the change that made it, and the seal a sum over all rows: a row that is damaged,
 * lacking, or older than it should be is noticed by nw__database_check. Not responsible for which file counts
 * (registry_file.h).
 *
 * One thread at a time may use it. Results are SQLite's codes.
 */
#ifndef NW_ENGINE_STORE_DATABASE_DATABASE_H
#define NW_ENGINE_STORE_DATABASE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW__DATABASE_SHA256 64 /* digits of a hash */
#define NW__DATABASE_SUM    16 /* bytes of a checksum */

/* How durable a change is once it has been made. */
enum nw__database_durable {
    NW__DATABASE_KILL,    /* it outlives a kill of the process */
    NW__DATABASE_MACHINE, /* and a failure of the machine: it was waited for */
};

/* What a database says of itself. */
struct nw__database_seal {
    int64_t change;          /* the number of the last change */
    unsigned __int128 total; /* of the checksums of all rows */
};

struct nw__database {
    sqlite3 *db;                         /* NULL: not open */
    struct nw__database_seal seal, next; /* as it is in the file; as it will be when the change under way is made */
    bool lists_code;
};

struct nw__database_row {
    const char *name, *sha256, *manifest; /* terminated */
    int64_t number;                       /* of the change that made it */
    unsigned char sum[NW__DATABASE_SUM];
};

/* Opens an existing file of this kind, and reads its seal. SQLITE_NOTADB when it is none; it is not checked further.
 * Close it also after a failure. */
int nw__database_open(struct nw__database *database, const char *path);
void nw__database_close(struct nw__database *database);

/* Whether its log stays as it is when it is closed. Else SQLite takes that over, as far as it can be read, and removes
 * it. */
void nw__database_keep_log(struct nw__database *database, bool keep);

/* Makes an empty one in a file that exists and is empty. */
int nw__database_make(struct nw__database *database, const char *path);

/* To be called before it is changed, once it is known to be whole. `lists_code`: changes note code that a function has
 * let go of. */
int nw__database_use(struct nw__database *database, bool lists_code);

/* Looks at everything. SQLITE_OK, SQLITE_CORRUPT when it is not what was written, or why it cannot be read. */
int nw__database_check(struct nw__database *database);

/*
 * A change: begin, any number of what follows, and end, which takes all back when it cannot make it. After a failure in
 * between only nw__database_give_up may follow.
 */
int nw__database_begin(struct nw__database *database, enum nw__database_durable durable);
int nw_database_put(struct nw__database *database, const char *name, const char *sha256, const char *manifest);
int nw_database_remove(struct nw__database *database, const char *name);
int nw_database_add_code(struct nw__database *database, const char *sha256);
int nw_database_remove_code(struct nw__database *database, const char *sha256); /* NULL: all */
int nw__database_end(struct nw__database *database);
void nw__database_give_up(struct nw__database *database);

/* Writes everything from the log into the database, and waits until the disk has that. */
int nw__database_settle(struct nw__database *database);

/* Within a change: a row of another file, with its number, unless there is a newer one of that name. One without
 * manifest removes the function. */
int nw__database_take(struct nw__database *database, const struct nw__database_row *row);

/* Whether a function has that code; true when that cannot be told. */
bool nw_database_names(struct nw__database *database, const char *sha256);

/* Moves those hashes to the front that neither a function nor the list of code has. Returns how many these are. */
unsigned nw_database_unknown(struct nw__database *database, char (*sha256)[NW__DATABASE_SHA256 + 1], unsigned n);

/* Calls back for each row that is whole and has a number above `after`, as far as the file can be read: from its front
 * and, behind damage, from its end; a row may come twice. False from the callback ends it. */
void nw_database_each(struct nw__database *database, int64_t after,
                      bool (*row)(void *arg, const struct nw__database_row *row), void *arg);

/* Calls back for each whole row whose name is `low` or behind it, and before `high`, in the order of names. Nothing may
 * be changed meanwhile. */
int nw_database_between(struct nw__database *database, const char *low, const char *high,
                        void (*row)(void *arg, const struct nw__database_row *row), void *arg);

/* Calls back for each piece of code that may belong to nobody, and that no function has. */
int nw_database_each_code(struct nw__database *database, void (*code)(void *arg, const char *sha256), void *arg);

/* Describes the last failure for people. */
void nw__database_explain(const struct nw__database *database, int rc, char *why, size_t why_size);

#endif
