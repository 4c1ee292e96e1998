/* Opening, changing and copying as registry_file.h tells. What makes a database whole is in registry_seal.c. */
#include "engine/store/registry_file.h"
#include "common/base/log.h"
#include "engine/store/registry_seal.h"
#include "engine/store/set_aside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME      "registry"
#define BACKUP    "registry.backup"
#define TEMPORARY "registry.new"
#define BUSY_MS   2000

/* What SQLite keeps beside a database while it changes; behind its name. */
static const char *const companions[] = {"-journal", "-wal", "-shm"};

#define COMPANIONS (sizeof companions / sizeof companions[0])

static void path_of(const struct nw__registry_file *file, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", file->path, name);
}

static void companion(const char *name, size_t i, char *path, size_t size)
{
    snprintf(path, size, "%s%s", name, companions[i]);
}

/* --- one database --- */

/* What lies under the name of the registry. */
enum found { FOUND_NOTHING, FOUND_EMPTY, FOUND_FILE, FOUND_OTHER };

static enum found look(const struct nw__registry_file *file, const char *name)
{
    struct stat st;
    if (fstatat(file->directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? FOUND_NOTHING : FOUND_OTHER;
    if (!S_ISREG(st.st_mode))
        return FOUND_OTHER;
    return st.st_size ? FOUND_FILE : FOUND_EMPTY;
}

static int open_database(const struct nw__registry_file *file, const char *name, int flags, sqlite3 **db)
{
    char path[4200];
    path_of(file, name, path, sizeof path);
    int rc = sqlite3_open_v2(path, db, flags | SQLITE_OPEN_FULLMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(*db, BUSY_MS);
    return rc;
}

static enum nw__seal open_whole(const struct nw__registry_file *file, const char *name, sqlite3 **db, char *why,
                                size_t why_size)
{
    *db = NULL;
    int rc = open_database(file, name, SQLITE_OPEN_READWRITE, db);
    bool writable = faccessat(file->directory, name, R_OK | W_OK, AT_EACCESS) == 0;
    enum nw__seal seal = nw__seal_check(*db, rc, writable, why, why_size);
    if (seal == NW__SEAL_WHOLE || seal == NW__SEAL_NONE)
        return seal;
    sqlite3_close(*db);
    *db = NULL;
    return seal;
}

static void remove_database(const struct nw__registry_file *file, const char *name)
{
    char path[64];
    unlinkat(file->directory, name, 0);
    for (size_t i = 0; i < COMPANIONS; i++) {
        companion(name, i, path, sizeof path);
        unlinkat(file->directory, path, 0);
    }
}

/* A database without tables, under a name for the time being. SQLite would make it for all to read, and its journals
 * get the mode of the file. */
static int make_temporary(const struct nw__registry_file *file, sqlite3 **db)
{
    remove_database(file, TEMPORARY);
    int fd = openat(file->directory, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return open_database(file, TEMPORARY, SQLITE_OPEN_READWRITE, db);
}

/* Copies one database to another name, and lets it have that name only when it is on disk and whole. */
static int copy_database(const struct nw__registry_file *file, const char *from, const char *to, char *why,
                         size_t why_size)
{
    sqlite3 *source = NULL, *copy = NULL;
    int rc = open_database(file, from, SQLITE_OPEN_READONLY, &source);
    if (rc == SQLITE_OK)
        rc = make_temporary(file, &copy);
    sqlite3_backup *backup = rc == SQLITE_OK ? sqlite3_backup_init(copy, "main", source, "main") : NULL;
    if (backup) {
        sqlite3_backup_step(backup, -1);
        rc = sqlite3_backup_finish(backup);
    }
    enum nw__seal seal = nw__seal_check(copy, rc, true, why, why_size);
    sqlite3_close(copy);
    sqlite3_close(source);
    if (seal == NW__SEAL_WHOLE && renameat(file->directory, TEMPORARY, file->directory, to) == 0 &&
        fsync(file->directory) == 0)
        return 0;
    if (seal == NW__SEAL_WHOLE)
        snprintf(why, why_size, "%s", strerror(errno));
    remove_database(file, TEMPORARY);
    return -EIO;
}

static bool copy_is_current(const struct nw__registry_file *file)
{
    char why[256];
    sqlite3 *backup;
    if (look(file, BACKUP) != FOUND_FILE)
        return false;
    bool current =
        open_whole(file, BACKUP, &backup, why, sizeof why) == NW__SEAL_WHOLE && nw__seal_same(file->db, backup);
    sqlite3_close(backup);
    return current;
}

/* The copy is at most one change behind. The change is durable without it, so that a failure is only logged. */
static void keep_copy(struct nw__registry_file *file)
{
    char why[256];
    pthread_mutex_lock(&file->copy);
    if (!copy_is_current(file) && copy_database(file, NAME, BACKUP, why, sizeof why) < 0)
        nw_log(NW_LOG_WARN, "cannot copy %s/" NAME " to " BACKUP ": %s", file->path, why);
    pthread_mutex_unlock(&file->copy);
}

/* --- opening --- */

static int cannot_use(const struct nw__registry_file *file, const char *reason, char *why, size_t why_size)
{
    snprintf(why, why_size,
             "cannot open the registry %s/" NAME ": %s; nothing was changed or deleted. Make it a file that this user "
             "may read and write, or move it elsewhere: the next start then takes the last good copy, " BACKUP,
             file->path, reason);
    return -EIO;
}

/* Together with its journal, which the next database of that name must not find. */
static int set_aside(const struct nw__registry_file *file, const char *name, char *as, size_t as_size)
{
    char from[64], to[128];
    int rc = look(file, name) == FOUND_NOTHING ? -ENOENT : nw__set_aside(file->directory, name, as, as_size);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    for (size_t i = 0; i < COMPANIONS; i++) {
        companion(name, i, from, sizeof from);
        nw__set_aside(file->directory, from, to, sizeof to);
    }
    return 0;
}

/* It gets its name when it is whole, so that a kill never leaves half of one. */
static int make_new(struct nw__registry_file *file, char *why, size_t why_size)
{
    sqlite3 *made;
    char reason[256];
    int rc = make_temporary(file, &made);
    if (rc == SQLITE_OK)
        rc = nw__seal_make(made);
    snprintf(reason, sizeof reason, "%s", made ? sqlite3_errmsg(made) : sqlite3_errstr(rc));
    sqlite3_close(made);
    if (rc == SQLITE_OK && renameat(file->directory, TEMPORARY, file->directory, NAME) == 0 &&
        fsync(file->directory) == 0 && open_whole(file, NAME, &file->db, reason, sizeof reason) == NW__SEAL_WHOLE)
        return 0;
    snprintf(why, why_size, "cannot make the registry %s/" NAME ": %s", file->path, reason);
    return -EIO;
}

/* 1 when the copy is the registry now, 0 when there is no good one; or -EIO, and it stays where it is. */
static int take_copy(struct nw__registry_file *file, char *why, size_t why_size)
{
    char reason[256] = "it is not a file";
    sqlite3 *backup = NULL;
    enum found found = look(file, BACKUP);
    if (found == FOUND_NOTHING || found == FOUND_EMPTY)
        return 0;
    enum nw__seal seal =
        found == FOUND_FILE ? open_whole(file, BACKUP, &backup, reason, sizeof reason) : NW__SEAL_BROKEN;
    sqlite3_close(backup);
    if (seal == NW__SEAL_BROKEN || seal == NW__SEAL_NONE)
        return 0;
    if (seal == NW__SEAL_WHOLE && copy_database(file, BACKUP, NAME, reason, sizeof reason) == 0 &&
        open_whole(file, NAME, &file->db, reason, sizeof reason) == NW__SEAL_WHOLE)
        return 1;
    snprintf(why, why_size, "cannot take the last good copy of the registry, %s/" BACKUP ": %s; nothing was deleted",
             file->path, reason);
    return -EIO;
}

static int recover_from_copy(struct nw__registry_file *file, const char *what, const char *kept, char *why,
                             size_t why_size)
{
    int rc = take_copy(file, why, why_size);
    if (rc <= 0)
        return rc;
    snprintf(file->notice, sizeof file->notice,
             "the registry %s%s: what its last good copy names is served; deploy again what `nightward list` lacks",
             what, kept);
    if (nw__seal_forget_unnamed(file->db) == SQLITE_OK)
        return 1;
    snprintf(why, why_size, "cannot write to the registry: %s", sqlite3_errmsg(file->db));
    return -EIO;
}

/* Goes on without what cannot be used. Code that the registry now in use does not name stays in the store for good. */
static int recover(struct nw__registry_file *file, const char *what, char *why, size_t why_size)
{
    char as[64] = "", copy_as[64] = "", kept[96] = "";
    int rc = set_aside(file, NAME, as, sizeof as);
    if (rc < 0)
        return cannot_use(file, strerror(-rc), why, why_size);
    if (*as)
        snprintf(kept, sizeof kept, " (what was found is kept as %s)", as);
    rc = recover_from_copy(file, what, kept, why, why_size);
    if (rc)
        return rc < 0 ? rc : 0;
    set_aside(file, BACKUP, copy_as, sizeof copy_as);
    snprintf(file->notice, sizeof file->notice,
             "the registry %s%s, and there is no good copy of it: nothing is deployed. All code is still in the "
             "directory store; deploy each function again (nightward deploy NAME FILE.so)",
             what, kept);
    return make_new(file, why, why_size);
}

static int open_found(struct nw__registry_file *file, char *why, size_t why_size)
{
    char reason[256], what[300];
    switch (open_whole(file, NAME, &file->db, reason, sizeof reason)) {
    case NW__SEAL_WHOLE:
        return 0;
    case NW__SEAL_NONE: /* of a version that had none; where there is a copy there was one, too */
        if (look(file, BACKUP) == FOUND_NOTHING && nw__seal_make(file->db) == SQLITE_OK)
            return 0;
        sqlite3_close(file->db);
        snprintf(reason, sizeof reason, "it has no checksum");
        break;
    case NW__SEAL_UNREADABLE:
        return cannot_use(file, reason, why, why_size);
    case NW__SEAL_BROKEN:
        break;
    }
    snprintf(what, sizeof what, "is damaged (%s)", reason);
    return recover(file, what, why, why_size);
}

static int open_any(struct nw__registry_file *file, bool has_code, char *why, size_t why_size)
{
    enum found found = look(file, NAME);
    bool fresh = !has_code && look(file, BACKUP) == FOUND_NOTHING;
    if (found == FOUND_FILE)
        return open_found(file, why, why_size);
    if (found == FOUND_OTHER)
        return cannot_use(file, "it is no regular file, or cannot be reached", why, why_size);
    if (fresh)
        return make_new(file, why, why_size);
    return recover(file, found == FOUND_EMPTY ? "is empty" : "is missing", why, why_size);
}

int nw__registry_file_open(struct nw__registry_file *file, const char *directory, bool has_code, char *why,
                           size_t why_size)
{
    pthread_mutex_init(&file->change, NULL);
    pthread_mutex_init(&file->copy, NULL);
    snprintf(file->path, sizeof file->path, "%s", directory);
    file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0) {
        snprintf(why, why_size, "cannot open %s: %s", directory, strerror(errno));
        return -EIO;
    }
    struct stat st;
    int rc = open_any(file, has_code, why, why_size);
    if (rc == 0 && fstatat(file->directory, NAME, &st, 0) < 0)
        rc = cannot_use(file, strerror(errno), why, why_size);
    if (rc < 0)
        return rc;
    file->device = st.st_dev;
    file->inode = st.st_ino;
    keep_copy(file);
    return 0;
}

void nw__registry_file_close(struct nw__registry_file *file)
{
    sqlite3_close(file->db);
    if (file->directory >= 0)
        close(file->directory);
    pthread_mutex_destroy(&file->change);
    pthread_mutex_destroy(&file->copy);
}

bool nw__registry_file_is_there(const struct nw__registry_file *file)
{
    char path[4200];
    struct stat st;
    path_of(file, NAME, path, sizeof path);
    return stat(path, &st) == 0 && st.st_dev == file->device && st.st_ino == file->inode;
}

/* --- changing --- */

static int bind_and_run(sqlite3 *db, const char *sql, const char *const *texts, int n)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    for (int i = 0; i < n && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* `sealed`: the checksum covers what changes. */
static int transaction(struct nw__registry_file *file, const char *sql, const char *const *texts, int n, bool sealed)
{
    int rc = sqlite3_exec(file->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK && sealed)
        rc = nw__seal_holds(file->db);
    if (rc == SQLITE_OK)
        rc = bind_and_run(file->db, sql, texts, n);
    if (rc == SQLITE_OK && sealed)
        rc = nw__seal_renew(file->db);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(file->db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

static void explain(struct nw__registry_file *file, int rc, char *why, size_t why_size)
{
    if (!nw__registry_file_is_there(file))
        snprintf(why, why_size, "the registry was deleted or moved while it was in use; what runs goes on");
    else if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
        snprintf(
            why, why_size,
            "the registry was damaged while it was in use; what runs goes on. Start Nightward again: it then takes "
            "the last good copy, " BACKUP);
    else
        snprintf(why, why_size, "cannot write to the registry: %s", sqlite3_errmsg(file->db));
}

static int change(struct nw__registry_file *file, const char *sql, const char *const *texts, int n, bool sealed,
                  char *why, size_t why_size)
{
    pthread_mutex_lock(&file->change);
    int rc = transaction(file, sql, texts, n, sealed);
    if (rc != SQLITE_OK)
        explain(file, rc, why, why_size);
    if (rc != SQLITE_OK && !sqlite3_get_autocommit(file->db))
        sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&file->change);
    return rc == SQLITE_OK ? 0 : -EIO;
}

int nw__registry_file_change(struct nw__registry_file *file, const char *sql, const char *const *texts, int n,
                             char *why, size_t why_size)
{
    int rc = change(file, sql, texts, n, true, why, why_size);
    if (rc == 0)
        keep_copy(file);
    return rc;
}

int nw__registry_file_list_code(struct nw__registry_file *file, const char *sha256, char *why, size_t why_size)
{
    return change(file, "INSERT OR IGNORE INTO code VALUES (?)", &sha256, 1, false, why, why_size);
}

void nw__registry_file_forget_code(struct nw__registry_file *file)
{
    nw__seal_forget_unnamed(file->db);
}
