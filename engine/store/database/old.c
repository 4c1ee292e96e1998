/* Databases without a seal, as old.h tells: a table of functions, one of code that was written, and a checksum over
 * functions and schema. */
#include "engine/store/database/old.h"
#include "common/base/log.h"
#include <errno.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SUM_BYTES 32
#define SUM_SIZE  (2 * SUM_BYTES + 1)

/* What the checksum covers, in an order that depends on nothing but the values. */
static const char covered[] = "SELECT name, sql, '' FROM sqlite_schema UNION ALL "
                              "SELECT name, sha256, manifest FROM functions ORDER BY 1, 2, 3";

/* --- the checksum --- */

static void add(EVP_MD_CTX *context, const void *data, size_t length)
{
    if (!EVP_DigestUpdate(context, data, length))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
}

/* With type and length, so that different rows never give the same bytes. */
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

/* The first text that a query answers, or "" when it has no row. */
static int first_text(sqlite3 *db, const char *sql, char *text, size_t size)
{
    sqlite3_stmt *row;
    *text = '\0';
    int rc = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const char *found = (const char *)sqlite3_column_text(row, 0);
        snprintf(text, size, "%s", found ? found : "");
    }
    sqlite3_finalize(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* SQLITE_CORRUPT when it is not what was written, SQLITE_MISMATCH when it should have a checksum and has none. */
static int check(sqlite3 *db, bool sealed)
{
    char text[SUM_SIZE], is[SUM_SIZE];
    int rc = first_text(db, "PRAGMA integrity_check(1)", text, sizeof text);
    if (rc == SQLITE_OK && strcmp(text, "ok") != 0)
        return SQLITE_CORRUPT;
    if (rc == SQLITE_OK)
        rc = first_text(db, "SELECT name FROM sqlite_schema WHERE name = 'checksum'", text, sizeof text);
    if (rc != SQLITE_OK || !*text)
        return rc == SQLITE_OK && sealed ? SQLITE_MISMATCH : rc;
    rc = first_text(db, "SELECT sum FROM checksum", text, sizeof text);
    if (rc == SQLITE_OK)
        rc = compute(db, is);
    return rc == SQLITE_OK && strcmp(is, text) != 0 ? SQLITE_CORRUPT : rc;
}

/* --- rows --- */

/* Skips rows that we cannot have written. */
static void tell(sqlite3_stmt *from, nw__old_each *each, void *arg)
{
    const struct nw__database_row row = {.name = (const char *)sqlite3_column_text(from, 0),
                                         .sha256 = (const char *)sqlite3_column_text(from, 1),
                                         .manifest = (const char *)sqlite3_column_text(from, 2),
                                         .number = 1};
    if (row.name && *row.name && row.sha256 && strlen(row.sha256) == NW__DATABASE_SHA256 && row.manifest)
        each(arg, &row);
}

static int tell_all(sqlite3 *db, nw__old_each *each, void *arg)
{
    sqlite3_stmt *rows;
    int rc = sqlite3_prepare_v2(db, "SELECT name, sha256, manifest FROM functions", -1, &rows, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        tell(rows, each, arg);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int nw__old_read(const char *path, bool sealed, nw__old_each *each, void *arg)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA cell_size_check=ON", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = check(db, sealed);
    if (rc == SQLITE_OK && each)
        rc = tell_all(db, each, arg);
    sqlite3_close(db);
    return rc;
}
