/* Tables and checksum as registry_seal.h tells. */
#include "engine/store/registry_seal.h"
#include "common/base/log.h"
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SUM_BYTES 32
#define SUM_SIZE  (2 * SUM_BYTES + 1)

static const char pragmas[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA cell_size_check=ON;";

static const char tables[] = "CREATE TABLE IF NOT EXISTS functions (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL,"
                             " manifest TEXT NOT NULL) WITHOUT ROWID;"
                             "CREATE TABLE IF NOT EXISTS code (sha256 TEXT PRIMARY KEY) WITHOUT ROWID;"
                             "CREATE TABLE IF NOT EXISTS checksum (one INTEGER PRIMARY KEY, sum TEXT NOT NULL);"
                             "INSERT OR IGNORE INTO code SELECT sha256 FROM functions;";

/* Everything that the checksum covers, in an order of its own. */
static const char covered[] = "SELECT name, sql, '' FROM sqlite_schema UNION ALL "
                              "SELECT name, sha256, manifest FROM functions ORDER BY 1, 2, 3";

/* --- the checksum --- */

static void add(EVP_MD_CTX *context, const void *data, size_t length)
{
    if (!EVP_DigestUpdate(context, data, length))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
}

/* With type and length, so that no two rows look alike. */
static void add_value(EVP_MD_CTX *context, sqlite3_stmt *row, int column)
{
    const void *data = sqlite3_column_blob(row, column);
    const uint32_t head[2] = {(uint32_t)sqlite3_column_type(row, column), (uint32_t)sqlite3_column_bytes(row, column)};
    add(context, head, sizeof head);
    add(context, data ? data : "", head[1]);
}

static int compute(sqlite3 *db, char sum[SUM_SIZE])
{
    unsigned char digest[SUM_BYTES];
    sqlite3_stmt *rows;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
    int rc = sqlite3_prepare_v2(db, covered, -1, &rows, NULL);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(rows)) == SQLITE_ROW)
            for (int i = 0; i < sqlite3_column_count(rows); i++)
                add_value(context, rows, i);
    sqlite3_finalize(rows);
    if (!EVP_DigestFinal_ex(context, digest, NULL))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
    EVP_MD_CTX_free(context);
    for (int i = 0; i < SUM_BYTES; i++)
        snprintf(sum + 2 * i, 3, "%02x", digest[i]);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The checksum that stands there, or "". */
static int stored(sqlite3 *db, char sum[SUM_SIZE])
{
    sqlite3_stmt *row;
    *sum = '\0';
    int rc = sqlite3_prepare_v2(db, "SELECT sum FROM checksum", -1, &row, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        snprintf(sum, SUM_SIZE, "%s", text ? text : "");
    }
    sqlite3_finalize(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int nw__seal_holds(sqlite3 *db)
{
    char is[SUM_SIZE], must_be[SUM_SIZE];
    int rc = compute(db, is);
    if (rc == SQLITE_OK)
        rc = stored(db, must_be);
    return rc == SQLITE_OK && strcmp(is, must_be) != 0 ? SQLITE_CORRUPT : rc;
}

bool nw__seal_same(sqlite3 *one, sqlite3 *other)
{
    char sum[SUM_SIZE], other_sum[SUM_SIZE];
    return stored(one, sum) == SQLITE_OK && stored(other, other_sum) == SQLITE_OK && !strcmp(sum, other_sum);
}

int nw__seal_renew(sqlite3 *db)
{
    char sum[SUM_SIZE];
    sqlite3_stmt *statement;
    int rc = compute(db, sum);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO checksum VALUES (1, ?)", -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(statement, 1, sum, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int nw__seal_make(sqlite3 *db)
{
    int rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = nw__seal_renew(db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

int nw__seal_forget_unnamed(sqlite3 *db)
{
    return sqlite3_exec(db, "DELETE FROM code WHERE sha256 NOT IN (SELECT sha256 FROM functions)", NULL, NULL, NULL);
}

/* --- looking at all of it --- */

/* What the result code of SQLite means for the file. */
static enum nw__seal judge(int rc, bool writable)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
        return NW__SEAL_WHOLE;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return writable ? NW__SEAL_BROKEN : NW__SEAL_UNREADABLE;
    case SQLITE_PERM:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
        return NW__SEAL_UNREADABLE;
    default:
        return NW__SEAL_BROKEN;
    }
}

/* Whether the pages hang together: SQLITE_CORRUPT when they do not. */
static int check_pages(sqlite3 *db)
{
    sqlite3_stmt *row;
    int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &row, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        rc = text && !strcmp(text, "ok") ? SQLITE_OK : SQLITE_CORRUPT;
    }
    sqlite3_finalize(row);
    return rc;
}

static int has_table(sqlite3 *db, const char *name, bool *has)
{
    sqlite3_stmt *row;
    int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM sqlite_schema WHERE name = ?", -1, &row, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(row, 1, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    sqlite3_finalize(row);
    *has = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check(sqlite3 *db, bool *sealed)
{
    bool functions = false;
    int rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = check_pages(db);
    if (rc == SQLITE_OK && sqlite3_db_readonly(db, "main")) /* also what a damaged header may say of itself */
        rc = SQLITE_READONLY;
    if (rc == SQLITE_OK)
        rc = has_table(db, "functions", &functions);
    if (rc == SQLITE_OK)
        rc = has_table(db, "checksum", sealed);
    if (rc == SQLITE_OK && *sealed)
        rc = nw__seal_holds(db);
    return rc == SQLITE_OK && !functions ? SQLITE_CORRUPT : rc;
}

enum nw__seal nw__seal_check(sqlite3 *db, int rc, bool writable, char *why, size_t why_size)
{
    bool sealed = false;
    if (rc == SQLITE_OK)
        rc = check(db, &sealed);
    enum nw__seal seal = judge(rc, writable);
    if (seal == NW__SEAL_WHOLE)
        return sealed ? NW__SEAL_WHOLE : NW__SEAL_NONE;
    snprintf(why, why_size, "%s",
             rc == SQLITE_CORRUPT ? "it is not what was written"
             : db                 ? sqlite3_errmsg(db)
                                  : sqlite3_errstr(rc));
    return seal;
}
