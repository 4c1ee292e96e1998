/* See database.h. */
#include "engine/store/database/database.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "engine/lookup/table.h"
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Nobody else may use the file meanwhile, so that SQLite needs no memory that it shares through a further file. */
static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cell_size_check=ON;";

/* As SQLite keeps them in a file. */
static const char *const schema[] = {
    "CREATE TABLE functions (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, manifest TEXT NOT NULL,"
    " number INTEGER NOT NULL, sum BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX by_code ON functions (sha256)",
    "CREATE TABLE code (sha256 TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE seal (one INTEGER PRIMARY KEY, change INTEGER NOT NULL, total BLOB NOT NULL, sum BLOB NOT NULL,"
    " tries INTEGER NOT NULL)",
};

#define SCHEMA (sizeof schema / sizeof schema[0])

/* --- checksums --- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *algorithm;

static void fetch(void)
{
    algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
}

/* The beginning of a SHA-256 over texts, each with its NUL, and a number. To look up the algorithm takes longer than a
 * row does, so it is done once. */
static void sum_up(const char *const *texts, size_t n, int64_t number, unsigned char sum[NW__DATABASE_SUM])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    pthread_once(&once, fetch);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok =
        context && EVP_DigestInit_ex2(context, algorithm, NULL) && EVP_DigestUpdate(context, &number, sizeof number);
    for (size_t i = 0; ok && i < n; i++)
        ok = EVP_DigestUpdate(context, texts[i], strlen(texts[i]) + 1);
    if (!ok || !EVP_DigestFinal_ex(context, digest, NULL))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
    EVP_MD_CTX_free(context);
    memcpy(sum, digest, NW__DATABASE_SUM);
}

static void sum_row(const struct nw__database_row *row, unsigned char sum[NW__DATABASE_SUM])
{
    const char *const texts[] = {row->name, row->sha256, row->manifest};
    sum_up(texts, sizeof texts / sizeof texts[0], row->number, sum);
}

static void sum_seal(const struct nw__database_seal *seal, unsigned char sum[NW__DATABASE_SUM])
{
    char total[2 * sizeof seal->total + 1];
    const char *const texts[] = {total};
    snprintf(total, sizeof total, "%016llx%016llx", (unsigned long long)(seal->total >> 64),
             (unsigned long long)seal->total);
    sum_up(texts, 1, seal->change, sum);
}

static unsigned __int128 as_number(const unsigned char sum[NW__DATABASE_SUM])
{
    unsigned __int128 number;
    memcpy(&number, sum, sizeof number);
    return number;
}

/* --- statements --- */

/* Prepares a statement, and binds texts to its first parameters. */
static int prepare(const struct nw__database *database, const char *sql, const char *const *texts, int n,
                   sqlite3_stmt **statement)
{
    int rc = sqlite3_prepare_v2(database->db, sql, -1, statement, NULL);
    for (int i = 0; i < n && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_text(*statement, i + 1, texts[i], -1, SQLITE_STATIC);
    return rc;
}

/* Runs a statement without rows to its end. */
static int finish(sqlite3_stmt *statement, int rc)
{
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int run(const struct nw__database *database, const char *sql, const char *text)
{
    sqlite3_stmt *statement;
    int rc = prepare(database, sql, &text, text != NULL, &statement);
    return finish(statement, rc);
}

static bool read_sum(sqlite3_stmt *row, int column, unsigned char sum[NW__DATABASE_SUM])
{
    const void *blob = sqlite3_column_blob(row, column);
    if (!blob || sqlite3_column_bytes(row, column) != NW__DATABASE_SUM)
        return false;
    memcpy(sum, blob, NW__DATABASE_SUM);
    return true;
}

/* --- the seal --- */

static int take_seal(struct nw__database *database, sqlite3_stmt *row)
{
    unsigned char total[NW__DATABASE_SUM], sum[NW__DATABASE_SUM], is[NW__DATABASE_SUM];
    struct nw__database_seal seal = {.change = sqlite3_column_int64(row, 0)};
    if (!read_sum(row, 1, total) || !read_sum(row, 2, sum))
        return SQLITE_CORRUPT;
    seal.total = as_number(total);
    sum_seal(&seal, is);
    if (memcmp(is, sum, sizeof is) != 0)
        return SQLITE_CORRUPT;
    database->seal = seal;
    return SQLITE_OK;
}

static int read_seal(struct nw__database *database)
{
    sqlite3_stmt *row;
    int rc = prepare(database, "SELECT change, total, sum FROM seal WHERE one = 1", NULL, 0, &row);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    if (rc == SQLITE_ROW)
        rc = take_seal(database, row);
    else if (rc == SQLITE_DONE)
        rc = SQLITE_CORRUPT;
    sqlite3_finalize(row);
    return rc;
}

static int write_seal(struct nw__database *database)
{
    unsigned char total[NW__DATABASE_SUM], sum[NW__DATABASE_SUM];
    sqlite3_stmt *statement;
    memcpy(total, &database->next.total, sizeof total);
    sum_seal(&database->next, sum);
    int rc =
        prepare(database, "UPDATE seal SET change = ?, total = ?, sum = ?, tries = tries + 1", NULL, 0, &statement);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 1, database->next.change);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 2, total, sizeof total, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 3, sum, sizeof sum, SQLITE_STATIC);
    return finish(statement, rc);
}

/* --- opening --- */

static int open_file(struct nw__database *database, const char *path)
{
    *database = (struct nw__database){.db = NULL};
    int rc = sqlite3_open_v2(path, &database->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(database->db, settings, NULL, NULL, NULL);
    return rc;
}

int nw__database_open(struct nw__database *database, const char *path)
{
    int rc = open_file(database, path);
    if (rc == SQLITE_OK)
        rc = read_seal(database);
    return rc == SQLITE_OK && sqlite3_db_readonly(database->db, "main") ? SQLITE_READONLY : rc;
}

int nw__database_make(struct nw__database *database, const char *path)
{
    int rc = open_file(database, path);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(database->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; i < SCHEMA && rc == SQLITE_OK; i++)
        rc = run(database, schema[i], NULL);
    if (rc == SQLITE_OK)
        rc = run(database, "INSERT INTO seal VALUES (1, 0, zeroblob(16), zeroblob(16), 0)", NULL);
    if (rc == SQLITE_OK)
        rc = write_seal(database);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(database->db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

void nw__database_close(struct nw__database *database)
{
    sqlite3_close(database->db);
    database->db = NULL;
}

void nw__database_keep_log(struct nw__database *database, bool keep)
{
    if (database->db)
        sqlite3_db_config(database->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, (int)keep, NULL);
}

int nw__database_use(struct nw__database *database, bool lists_code)
{
    database->lists_code = lists_code;
    return sqlite3_exec(database->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
}

/* --- changing --- */

int nw__database_begin(struct nw__database *database, enum nw__database_durable durable)
{
    static const char *const levels[] = {
        [NW__DATABASE_KILL] = "PRAGMA synchronous=NORMAL",
        [NW__DATABASE_MACHINE] = "PRAGMA synchronous=FULL",
    };
    int rc = sqlite3_exec(database->db, levels[durable], NULL, NULL, NULL);
    database->next = database->seal;
    return rc == SQLITE_OK ? sqlite3_exec(database->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) : rc;
}

void nw__database_give_up(struct nw__database *database)
{
    if (!sqlite3_get_autocommit(database->db))
        sqlite3_exec(database->db, "ROLLBACK", NULL, NULL, NULL);
}

int nw__database_end(struct nw__database *database)
{
    int rc = write_seal(database);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(database->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        database->seal = database->next;
    return rc;
}

/* Takes out the row of that name, if there is one. Its code may belong to nobody then. */
static int let_go(struct nw__database *database, const char *name)
{
    unsigned char sum[NW__DATABASE_SUM] = {0};
    sqlite3_stmt *row;
    int rc = prepare(database, "DELETE FROM functions WHERE name = ? RETURNING sum, sha256", &name, 1, &row);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        const char *sha256 = (const char *)sqlite3_column_text(row, 1);
        database->next.total -= read_sum(row, 0, sum) ? as_number(sum) : 0;
        rc = sha256 && database->lists_code ? nw_database_add_code(database, sha256) : SQLITE_OK;
        if (rc == SQLITE_OK)
            rc = sqlite3_step(row);
    }
    sqlite3_finalize(row);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int insert(struct nw__database *database, const struct nw__database_row *row)
{
    const char *const texts[] = {row->name, row->sha256, row->manifest};
    sqlite3_stmt *statement;
    int rc = prepare(database, "INSERT INTO functions VALUES (?, ?, ?, ?, ?)", texts, 3, &statement);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(statement, 4, row->number);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_blob(statement, 5, row->sum, sizeof row->sum, SQLITE_STATIC);
    database->next.total += as_number(row->sum);
    return finish(statement, rc);
}

int nw_database_put(struct nw__database *database, const char *name, const char *sha256, const char *manifest)
{
    struct nw__database_row row = {name, sha256, manifest, database->seal.change + 1, {0}};
    sum_row(&row, row.sum);
    database->next.change = row.number;
    int rc = let_go(database, name);
    if (rc == SQLITE_OK)
        rc = insert(database, &row);
    return rc == SQLITE_OK && database->lists_code ? nw_database_remove_code(database, sha256) : rc;
}

int nw_database_remove(struct nw__database *database, const char *name)
{
    database->next.change = database->seal.change + 1;
    return let_go(database, name);
}

int nw_database_add_code(struct nw__database *database, const char *sha256)
{
    return run(database, "INSERT OR IGNORE INTO code VALUES (?)", sha256);
}

int nw_database_remove_code(struct nw__database *database, const char *sha256)
{
    return run(database, sha256 ? "DELETE FROM code WHERE sha256 = ?" : "DELETE FROM code", sha256);
}

/* The number of the row of that name; 0: there is none. */
static int number_of(struct nw__database *database, const char *name, int64_t *number)
{
    sqlite3_stmt *row;
    int rc = prepare(database, "SELECT number FROM functions WHERE name = ?", &name, 1, &row);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    *number = rc == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    sqlite3_finalize(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int nw__database_take(struct nw__database *database, const struct nw__database_row *from)
{
    struct nw__database_row row = *from;
    int64_t number;
    int rc = number_of(database, row.name, &number);
    if (rc != SQLITE_OK || number >= row.number)
        return rc;
    if (database->next.change < row.number)
        database->next.change = row.number;
    rc = let_go(database, row.name);
    if (rc != SQLITE_OK || !row.manifest)
        return rc;
    sum_row(&row, row.sum);
    return insert(database, &row);
}

int nw__database_settle(struct nw__database *database)
{
    int rc = sqlite3_exec(database->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    return rc == SQLITE_OK ? sqlite3_wal_checkpoint_v2(database->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL)
                           : rc;
}

/* --- looking at it --- */

static int check_schema(const struct nw__database *database)
{
    sqlite3_stmt *row;
    size_t n = 0;
    int rc = prepare(database, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid", NULL, 0, &row);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(row, 0);
        rc = n < SCHEMA && sql && !strcmp(sql, schema[n]) ? SQLITE_OK : SQLITE_CORRUPT;
        n++;
    }
    sqlite3_finalize(row);
    if (rc == SQLITE_DONE)
        rc = n == SCHEMA ? SQLITE_OK : SQLITE_CORRUPT;
    return rc;
}

/* Whether the pages hang together. */
static int check_pages(const struct nw__database *database)
{
    sqlite3_stmt *row;
    int rc = prepare(database, "PRAGMA quick_check(1)", NULL, 0, &row);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(row, 0);
        rc = text && !strcmp(text, "ok") ? SQLITE_OK : SQLITE_CORRUPT;
    }
    sqlite3_finalize(row);
    return rc;
}

/* False when the row is not what was written. */
static bool read_row(sqlite3_stmt *from, struct nw__database_row *row)
{
    unsigned char is[NW__DATABASE_SUM];
    *row = (struct nw__database_row){.name = (const char *)sqlite3_column_text(from, 0),
                                     .sha256 = (const char *)sqlite3_column_text(from, 1),
                                     .manifest = (const char *)sqlite3_column_text(from, 2),
                                     .number = sqlite3_column_int64(from, 3)};
    if (!row->name || !row->sha256 || !row->manifest || !read_sum(from, 4, row->sum))
        return false;
    sum_row(row, is);
    return memcmp(is, row->sum, sizeof is) == 0;
}

#define ROWS "SELECT name, sha256, manifest, number, sum FROM functions NOT INDEXED "

/* A number for a name and a hash of code; table and index are compared by the sum of these. */
static uint64_t mix(const char *name, const char *sha256)
{
    return nw_table_hash(name, strlen(name)) ^ 31 * nw_table_hash(sha256, strlen(sha256));
}

static int check_rows(struct nw__database *database, uint64_t *codes)
{
    struct nw__database_row row;
    unsigned __int128 total = 0;
    sqlite3_stmt *rows;
    int rc = prepare(database, ROWS, NULL, 0, &rows);
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        rc = read_row(rows, &row) && row.number <= database->seal.change ? SQLITE_OK : SQLITE_CORRUPT;
        if (rc == SQLITE_OK) {
            total += as_number(row.sum);
            *codes += mix(row.name, row.sha256);
        }
    }
    sqlite3_finalize(rows);
    if (rc == SQLITE_DONE)
        rc = total == database->seal.total ? SQLITE_OK : SQLITE_CORRUPT;
    return rc;
}

static int check_index(struct nw__database *database, uint64_t codes)
{
    sqlite3_stmt *rows;
    int rc = prepare(database, "SELECT name, sha256 FROM functions INDEXED BY by_code ORDER BY sha256", NULL, 0, &rows);
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(rows, 0);
        const char *sha256 = (const char *)sqlite3_column_text(rows, 1);
        rc = name && sha256 ? SQLITE_OK : SQLITE_CORRUPT;
        codes -= rc == SQLITE_OK ? mix(name, sha256) : 0;
    }
    sqlite3_finalize(rows);
    if (rc == SQLITE_DONE)
        rc = codes == 0 ? SQLITE_OK : SQLITE_CORRUPT;
    return rc;
}

int nw__database_check(struct nw__database *database)
{
    uint64_t codes = 0;
    int rc = check_schema(database);
    if (rc == SQLITE_OK)
        rc = check_pages(database);
    if (rc == SQLITE_OK)
        rc = check_rows(database, &codes);
    return rc == SQLITE_OK ? check_index(database, codes) : rc;
}

bool nw_database_names(struct nw__database *database, const char *sha256)
{
    sqlite3_stmt *row;
    int rc = prepare(database, "SELECT 1 FROM functions WHERE sha256 = ?", &sha256, 1, &row);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(row);
    sqlite3_finalize(row);
    return rc != SQLITE_DONE;
}

unsigned nw_database_unknown(struct nw__database *database, char (*sha256)[NW__DATABASE_SHA256 + 1], unsigned n)
{
    unsigned unknown = 0;
    sqlite3_stmt *row;
    int rc =
        prepare(database, "SELECT 1 FROM functions WHERE sha256 = ?1 UNION ALL SELECT 1 FROM code WHERE sha256 = ?1",
                NULL, 0, &row);
    for (unsigned i = 0; i < n && rc == SQLITE_OK; i++) {
        rc = sqlite3_bind_text(row, 1, sha256[i], NW__DATABASE_SHA256, SQLITE_STATIC);
        if (rc == SQLITE_OK && sqlite3_step(row) == SQLITE_DONE)
            memcpy(sha256[unknown++], sha256[i], sizeof sha256[i]);
        sqlite3_reset(row);
    }
    sqlite3_finalize(row);
    return unknown;
}

static bool each_in_order(struct nw__database *database, const char *sql, int64_t after,
                          bool (*callback)(void *arg, const struct nw__database_row *row), void *arg)
{
    struct nw__database_row row;
    sqlite3_stmt *rows;
    bool goes_on = true;
    int rc = prepare(database, sql, NULL, 0, &rows);
    while (goes_on && rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if (read_row(rows, &row) && row.number > after)
            goes_on = callback(arg, &row);
    }
    sqlite3_finalize(rows);
    return goes_on && rc != SQLITE_DONE;
}

void nw_database_each(struct nw__database *database, int64_t after,
                      bool (*row)(void *arg, const struct nw__database_row *row), void *arg)
{
    if (each_in_order(database, ROWS "ORDER BY name", after, row, arg))
        each_in_order(database, ROWS "ORDER BY name DESC", after, row, arg);
}

int nw_database_between(struct nw__database *database, const char *low, const char *high,
                        void (*callback)(void *arg, const struct nw__database_row *row), void *arg)
{
    const char *const names[] = {low, high};
    struct nw__database_row row;
    sqlite3_stmt *rows;
    int rc = prepare(database, ROWS "WHERE name >= ? AND name < ? ORDER BY name", names, 2, &rows);
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if (read_row(rows, &row))
            callback(arg, &row);
    }
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int nw_database_each_code(struct nw__database *database, void (*code)(void *arg, const char *sha256), void *arg)
{
    sqlite3_stmt *rows;
    int rc = prepare(database,
                     "SELECT sha256 FROM code WHERE NOT EXISTS (SELECT 1 FROM functions WHERE sha256 = code.sha256)",
                     NULL, 0, &rows);
    while (rc == SQLITE_OK && (rc = sqlite3_step(rows)) == SQLITE_ROW) {
        const char *sha256 = (const char *)sqlite3_column_text(rows, 0);
        if (sha256 && strlen(sha256) == NW__DATABASE_SHA256)
            code(arg, sha256);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void nw__database_explain(const struct nw__database *database, int rc, char *why, size_t why_size)
{
    char text[NW_ERROR_TEXT];
    int error = database->db && ((rc & 0xff) == SQLITE_IOERR || rc == SQLITE_FULL || rc == SQLITE_CANTOPEN)
                    ? sqlite3_system_errno(database->db)
                    : 0;
    if (rc == SQLITE_CORRUPT)
        snprintf(why, why_size, "it is not what was written");
    else
        snprintf(why, why_size, "%s", error ? nw_error_text(error, text) : sqlite3_errstr(rc));
}
