/* A function that keeps what it is called with in an SQLite database, DB, which each call opens anew, as one that knows
 * nothing of its neighbours would. The answer is how the journal is kept and how often this input came; of nothing, how
 * much came at all. */
#include <faas/worker_v1_interface.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static faas_append_output_fn_t append;

static int add(sqlite3 *db, const char *input, size_t length)
{
    sqlite3_stmt *insert;
    int rc = sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, v TEXT)", NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, "INSERT INTO t (v) VALUES (?)", -1, &insert, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_bind_text(insert, 1, input, (int)length, SQLITE_STATIC);
    sqlite3_step(insert);
    return sqlite3_finalize(insert);
}

static int ask(sqlite3 *db, const char *query, const char *input, size_t length, char *answer, size_t size)
{
    sqlite3_stmt *select;
    int rc = sqlite3_prepare_v2(db, query, -1, &select, NULL);

    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_bind_parameter_count(select))
        sqlite3_bind_text(select, 1, input, (int)length, SQLITE_STATIC);
    if (sqlite3_step(select) == SQLITE_ROW)
        snprintf(answer, size, "%s", (const char *)sqlite3_column_text(select, 0));
    return sqlite3_finalize(select);
}

static int keep(sqlite3 *db, const char *input, size_t length, char *answer, size_t size)
{
    char mode[32] = "", count[32] = "";
    int rc;

    sqlite3_busy_timeout(db, 50000);
    rc = ask(db, getenv("WAL") ? "PRAGMA journal_mode = wal" : "PRAGMA journal_mode", input, length, mode, sizeof mode);
    if (rc == SQLITE_OK && length)
        rc = add(db, input, length);
    if (rc == SQLITE_OK)
        rc = ask(db, "SELECT count(*) FROM t WHERE v = ?1 OR ?1 = ''", input, length, count, sizeof count);
    snprintf(answer, size, "%s %s", mode, count);
    return rc;
}

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append_fn,
                            void **handle)
{
    (void)invoke;
    append = append_fn;
    *handle = context;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    char answer[256] = "";
    sqlite3 *db;
    int rc = sqlite3_open(getenv("DB"), &db);

    if (rc == SQLITE_OK)
        rc = keep(db, input, length, answer, sizeof answer);
    if (rc != SQLITE_OK)
        snprintf(answer, sizeof answer, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    append(handle, answer, strlen(answer));
    return 0;
}
