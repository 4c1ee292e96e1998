/* SQLite: a table in the database that DB names, with the journal that the input names. */
#include "functions/compat/compat.h"
#include <sqlite3.h>
#include <stdlib.h>

int compat_load(void)
{
    return sqlite3_initialize() == SQLITE_OK ? 0 : -1;
}

/* Writes the one value that a query gives. */
static int tell(sqlite3 *db, const char *query, FILE *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, query, -1, &statement, NULL);

    if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        fprintf(out, "%s ", (const char *)sqlite3_column_text(statement, 0));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    return rc;
}

/* A hundred rows in one transaction, in a table that is made when it is not there. */
static int fill(sqlite3 *db)
{
    return sqlite3_exec(db,
                        "create table if not exists t (id integer primary key, n integer);"
                        "begin immediate;"
                        "with recursive c (n) as (select 1 union all select n + 1 from c where n < 100)"
                        "insert into t (n) select n from c;"
                        "commit;",
                        NULL, NULL, NULL);
}

int compat_call(const char *input, FILE *out)
{
    const char *path = getenv("DB");
    char journal[64];
    sqlite3 *db = NULL;
    int rc = sqlite3_open(path ? path : ":memory:", &db);

    snprintf(journal, sizeof journal, "pragma journal_mode = %s", input);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db, 5000);
    if (rc == SQLITE_OK)
        rc = tell(db, journal, out);
    if (rc == SQLITE_OK)
        rc = fill(db);
    if (rc == SQLITE_OK)
        rc = tell(db, "select count(*) || ' rows, sum ' || sum(n) from t", out);
    if (rc == SQLITE_OK)
        rc = tell(db, "pragma integrity_check", out);
    if (rc != SQLITE_OK)
        fprintf(out, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    return 0;
}
