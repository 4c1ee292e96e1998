/* See old.h. The database has a table of functions, one of code that was written, and a checksum over functions and
 * schema. */
#include "engine/store/journal/old.h"
#include "common/base/log.h"
#include "engine/store/journal/record.h"
#include <errno.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAGIC     "SQLite format 3"
#define SUM_BYTES 32
#define SUM_SIZE  (2 * SUM_BYTES + 1)

/* What the checksum covers, in an order that depends on nothing but the values. */
static const char covered[] = "SELECT name, sql, '' FROM sqlite_schema UNION ALL "
                              "SELECT name, sha256, manifest FROM functions ORDER BY 1, 2, 3";

bool nw__old_is(const char *data, size_t length)
{
    return length >= sizeof MAGIC && !memcmp(data, MAGIC, sizeof MAGIC);
}

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

/* --- records --- */

static int append(struct nw_buffer *records, uint64_t *number, struct nw_record record)
{
    record.number = ++*number;
    return nw_record_append(records, &record) < 0 ? SQLITE_NOMEM : SQLITE_OK;
}

/* Skips rows that we cannot have written. */
static int append_row(sqlite3_stmt *row, enum nw_record_kind kind, struct nw_buffer *records, uint64_t *number)
{
    bool put = kind == NW_RECORD_PUT;
    const char *sha256 = (const char *)sqlite3_column_text(row, 0);
    const char *name = put ? (const char *)sqlite3_column_text(row, 1) : NULL;
    const char *manifest = put ? (const char *)sqlite3_column_text(row, 2) : NULL;
    if (!sha256 || strlen(sha256) != NW_RECORD_SHA256 || (put && (!name || !*name || !manifest)))
        return SQLITE_OK;
    return append(records, number,
                  (struct nw_record){.kind = kind,
                                     .sha256 = sha256,
                                     .name = name,
                                     .manifest = manifest,
                                     .manifest_length = manifest ? strlen(manifest) : 0});
}

static int append_rows(sqlite3 *db, const char *sql, enum nw_record_kind kind, struct nw_buffer *records,
                       uint64_t *number)
{
    sqlite3_stmt *row;
    int rc = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW)
        rc = append_row(row, kind, records, number);
    sqlite3_finalize(row);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_all(sqlite3 *db, bool sealed, struct nw_buffer *records)
{
    char has_code[8];
    uint64_t number = 0;
    int rc = check(db, sealed);
    if (rc == SQLITE_OK)
        rc = append(records, &number, (struct nw_record){.kind = NW_RECORD_BEGIN});
    if (rc == SQLITE_OK)
        rc = append_rows(db, "SELECT sha256, name, manifest FROM functions", NW_RECORD_PUT, records, &number);
    if (rc == SQLITE_OK)
        rc = first_text(db, "SELECT name FROM sqlite_schema WHERE name = 'code'", has_code, sizeof has_code);
    if (rc == SQLITE_OK && *has_code)
        rc = append_rows(db, "SELECT sha256 FROM code", NW_RECORD_CODE, records, &number);
    return rc;
}

/* Turns a result code of SQLite into what nw__old_read returns. */
static int judge(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_PERM:
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
        return -EIO;
    default:
        return -EBADMSG;
    }
}

int nw__old_read(const char *path, bool sealed, struct nw_buffer *records, char *why, size_t why_size)
{
    sqlite3 *db = NULL;
    size_t length = records->length;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, "PRAGMA cell_size_check=ON", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = read_all(db, sealed, records);
    if (rc != SQLITE_OK) {
        records->length = length;
        snprintf(why, why_size, "%s",
                 rc == SQLITE_CORRUPT    ? "it is not what was written"
                 : rc == SQLITE_MISMATCH ? "it has no checksum"
                 : db                    ? sqlite3_errmsg(db)
                                         : sqlite3_errstr(rc));
    }
    sqlite3_close(db);
    return judge(rc);
}
