/* The registry of registry.h. Not responsible for what a function is doing (deployments.c). */
#include "engine/registry.h"
#include "common/atomic.h"
#include "common/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_BYTES 32
#define SHA256_HEX   64
#define FILE_NAME    (SHA256_HEX + sizeof ".so")
#define TEMPORARY    "new-" /* begins the name of a file that is being written */
#define BUSY_MS      2000

struct nw_registry {
    sqlite3 *db;
    int store; /* directory */
    unsigned last_temporary;
};

static const char schema[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;"
                             "CREATE TABLE IF NOT EXISTS functions (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL,"
                             " manifest TEXT NOT NULL) WITHOUT ROWID;";

static int db_error(struct nw_registry *registry, const char *what, char *why, size_t why_size)
{
    snprintf(why, why_size, "cannot %s the registry: %s", what, sqlite3_errmsg(registry->db));
    return -EIO;
}

static void file_name(const char *sha256, char *name)
{
    snprintf(name, FILE_NAME, "%.64s.so", sha256);
}

/* --- opening --- */

/* Takes a file or folder that was there already from everybody else: rows hold what functions are told in secret. */
static int make_private(int dir, const char *name, char *why, size_t why_size)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        (!(st.st_mode & 077) || S_ISLNK(st.st_mode) || fchmodat(dir, name, st.st_mode & 0700, 0) == 0))
        return 0;
    snprintf(why, why_size, "cannot keep %s in the state directory from others: %s; it must be yours", name,
             strerror(errno));
    return -EIO;
}

/* The registry, the journal that a kill left, and copies that are named after it; and the store. */
static int make_all_private(const char *directory, char *why, size_t why_size)
{
    DIR *dir = opendir(directory);
    int rc = 0;
    for (struct dirent *entry; dir && !rc && (entry = readdir(dir));)
        if (!strncmp(entry->d_name, "registry", strlen("registry")) || !strcmp(entry->d_name, "store"))
            rc = make_private(dirfd(dir), entry->d_name, why, why_size);
    if (dir)
        closedir(dir);
    return rc;
}

static int open_store(struct nw_registry *registry, const char *directory, char *why, size_t why_size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/store", directory);
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        snprintf(why, why_size, "cannot make %s: %s", path, strerror(errno));
        return -EIO;
    }
    registry->store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (registry->store < 0) {
        snprintf(why, why_size, "cannot open %s: %s", path, strerror(errno));
        return -EIO;
    }
    return 0;
}

static int open_db(struct nw_registry *registry, const char *directory, char *why, size_t why_size)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/registry", directory);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX;
    /* sqlite would make it for all to read; its journals get the mode of the file. */
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    int rc = sqlite3_open_v2(path, &registry->db, flags, NULL);
    if (rc == SQLITE_OK)
        sqlite3_busy_timeout(registry->db, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(registry->db, schema, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return 0;
    snprintf(why, why_size, "cannot open %s: %s", path, sqlite3_errmsg(registry->db));
    return -EIO;
}

static bool row_names(struct nw_registry *registry, const char *sha256)
{
    sqlite3_stmt *query;
    bool named = true; /* when in doubt, keep it */
    if (sqlite3_prepare_v2(registry->db, "SELECT 1 FROM functions WHERE sha256 = ?", -1, &query, NULL) == SQLITE_OK) {
        sqlite3_bind_text(query, 1, sha256, -1, SQLITE_STATIC);
        named = sqlite3_step(query) != SQLITE_DONE;
    }
    sqlite3_finalize(query);
    return named;
}

static bool is_code_name(const char *name)
{
    return strlen(name) == FILE_NAME - 1 && strspn(name, "0123456789abcdef") == SHA256_HEX &&
           !strcmp(name + SHA256_HEX, ".so");
}

/* What a kill left behind: half-written files, and code whose row was never written or is deleted. */
static void remove_orphans(struct nw_registry *registry)
{
    int fd = openat(registry->store, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char sha256[SHA256_HEX + 1];
        snprintf(sha256, sizeof sha256, "%.64s", entry->d_name);
        bool orphan = is_code_name(entry->d_name) ? !row_names(registry, sha256)
                                                  : !strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY));
        if (orphan)
            unlinkat(registry->store, entry->d_name, 0);
    }
    closedir(dir);
}

struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size)
{
    struct nw_registry *registry = calloc(1, sizeof *registry);
    if (!registry) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    registry->store = -1;
    if (make_all_private(directory, why, why_size) < 0 || open_store(registry, directory, why, why_size) < 0 ||
        open_db(registry, directory, why, why_size) < 0) {
        nw_registry_close(registry);
        return NULL;
    }
    remove_orphans(registry);
    return registry;
}

void nw_registry_close(struct nw_registry *registry)
{
    sqlite3_close(registry->db);
    if (registry->store >= 0)
        close(registry->store);
    free(registry);
}

/* --- code --- */

static void hash(const void *code, size_t length, char *sha256)
{
    unsigned char digest[SHA256_BYTES];
    if (!EVP_Digest(code, length, digest, NULL, EVP_sha256(), NULL))
        nw_die_system("cannot compute a SHA-256: libcrypto failed");
    for (int i = 0; i < SHA256_BYTES; i++)
        snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

static int write_file(struct nw_registry *registry, const char *name, const void *code, size_t length)
{
    int fd = openat(registry->store, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, code, length);
    /* A worker that is another user opens it anew, through the descriptor that it was given: no path leads there, since
     * the state directory is its owner's alone. */
    if (!rc && fchmod(fd, 0444) < 0)
        rc = -errno;
    if (!rc && fsync(fd) < 0)
        rc = -errno;
    close(fd);
    return rc;
}

int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size)
{
    char temporary[32], name[FILE_NAME];
    hash(code, length, sha256);
    file_name(sha256, name);
    if (faccessat(registry->store, name, F_OK, 0) == 0)
        return 0;
    /* Several threads may store at once. */
    unsigned number = nw_add_fetch(&registry->last_temporary, 1); /* pairs with itself: numbers differ */
    snprintf(temporary, sizeof temporary, TEMPORARY "%u", number);
    int rc = write_file(registry, temporary, code, length);
    if (!rc && renameat(registry->store, temporary, registry->store, name) < 0)
        rc = -errno;
    if (!rc && fsync(registry->store) < 0)
        rc = -errno;
    if (rc < 0) {
        snprintf(why, why_size, "cannot write the code into the store: %s", strerror(-rc));
        unlinkat(registry->store, temporary, 0);
    }
    return rc;
}

int nw_registry_open_code(struct nw_registry *registry, const char *sha256)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    int fd = openat(registry->store, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void nw_registry_forget(struct nw_registry *registry, const char *sha256)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    if (!row_names(registry, sha256))
        unlinkat(registry->store, name, 0);
}

/* --- rows --- */

/* Runs a statement with up to three texts. 0 or -EIO. */
static int run(struct nw_registry *registry, const char *sql, const char *const *texts, int n, char *why,
               size_t why_size)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(registry->db, sql, -1, &statement, NULL);
    for (int i = 0; i < n && rc == SQLITE_OK; i++)
        rc = sqlite3_bind_text(statement, i + 1, texts[i], -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_DONE)
        db_error(registry, "write to", why, why_size);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? 0 : -EIO;
}

int nw_registry_put(struct nw_registry *registry, const struct nw_manifest *manifest, const char *sha256, char *why,
                    size_t why_size)
{
    struct nw_buffer json = {0};
    if (nw_manifest_to_json(manifest, &json) < 0 || nw_buffer_append(&json, "", 1) < 0) {
        nw_buffer_fini(&json);
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    const char *const texts[] = {manifest->name, sha256, json.data};
    int rc = run(registry, "INSERT OR REPLACE INTO functions VALUES (?, ?, ?)", texts, 3, why, why_size);
    nw_buffer_fini(&json);
    return rc;
}

int nw_registry_delete(struct nw_registry *registry, const char *name, char *why, size_t why_size)
{
    return run(registry, "DELETE FROM functions WHERE name = ?", &name, 1, why, why_size);
}

/* A row that cannot be read is left where it is and not served. */
static void read_row(sqlite3_stmt *query, void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256),
                     void *arg)
{
    const char *name = (const char *)sqlite3_column_text(query, 0);
    const char *sha256 = (const char *)sqlite3_column_text(query, 1);
    const char *json = (const char *)sqlite3_column_text(query, 2);
    char why[512] = "it is not whole";
    struct nw_manifest manifest;
    nw_manifest_init(&manifest);
    if (name && sha256 && json && strspn(sha256, "0123456789abcdef") == SHA256_HEX && !sha256[SHA256_HEX] &&
        nw_manifest_parse_json(&manifest, json, strlen(json), NULL, 0, why, sizeof why) == 0 &&
        !strcmp(manifest.name, name))
        row(arg, &manifest, sha256);
    else
        nw_log(NW_LOG_ERROR, "cannot read the registry's row of \"%s\": %s; deploy it again", name ? name : "", why);
    nw_manifest_fini(&manifest);
}

int nw_registry_each(struct nw_registry *registry,
                     void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256), void *arg, char *why,
                     size_t why_size)
{
    sqlite3_stmt *query;
    int rc = sqlite3_prepare_v2(registry->db, "SELECT name, sha256, manifest FROM functions ORDER BY name", -1, &query,
                                NULL);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(query)) == SQLITE_ROW)
            read_row(query, row, arg);
    if (rc != SQLITE_DONE)
        db_error(registry, "read", why, why_size);
    sqlite3_finalize(query);
    return rc == SQLITE_DONE ? 0 : -EIO;
}
