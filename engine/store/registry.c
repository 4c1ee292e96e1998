/* The registry of registry.h. Not responsible for what a function is doing (deployments.c). */
#include "engine/store/registry.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "engine/store/registry_file.h"
#include "engine/store/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct nw_registry {
    struct nw__registry_file file;
    struct nw__store store;
    char store_notice[256];
};

/* Both parts are open, as they are from nw_registry_open to nw_registry_close. */
static bool registry_is_valid(const struct nw_registry *registry)
{
    return registry->file.db && registry->file.directory >= 0 && *registry->file.path && registry->store.directory >= 0;
}

/* --- opening --- */

static bool finds_row(struct nw_registry *registry, const char *sql, const char *sha256)
{
    sqlite3_stmt *query;
    bool there = true; /* when in doubt, keep it */
    if (sqlite3_prepare_v2(registry->file.db, sql, -1, &query, NULL) == SQLITE_OK) {
        sqlite3_bind_text(query, 1, sha256, -1, SQLITE_STATIC);
        there = sqlite3_step(query) != SQLITE_DONE;
    }
    sqlite3_finalize(query);
    return there;
}

static bool row_names(struct nw_registry *registry, const char *sha256)
{
    return finds_row(registry, "SELECT 1 FROM functions WHERE sha256 = ?", sha256);
}

/* Removes code that we wrote and that no row names: a kill came before the row was written, or after it was deleted. */
static void remove_orphans(struct nw_registry *registry)
{
    sqlite3_stmt *query;
    int rc = sqlite3_prepare_v2(registry->file.db,
                                "SELECT sha256 FROM code WHERE sha256 NOT IN (SELECT sha256 FROM functions)", -1,
                                &query, NULL);
    if (rc == SQLITE_OK)
        while (sqlite3_step(query) == SQLITE_ROW)
            nw__store_remove(&registry->store, (const char *)sqlite3_column_text(query, 0));
    sqlite3_finalize(query);
    nw__registry_file_forget_code(&registry->file);
}

struct unlisted {
    struct nw_registry *registry;
    unsigned n;
};

static void count_unlisted(void *arg, const char *sha256)
{
    struct unlisted *unlisted = arg;
    unlisted->n += !finds_row(unlisted->registry, "SELECT 1 FROM code WHERE sha256 = ?", sha256);
}

static void notice_unlisted(struct nw_registry *registry)
{
    struct unlisted unlisted = {registry, 0};
    nw__store_each(&registry->store, count_unlisted, &unlisted);
    if (unlisted.n)
        snprintf(registry->store_notice, sizeof registry->store_notice,
                 "%u files in the directory store belong to no function that the registry knows; they are kept. Deploy "
                 "them (nightward deploy NAME FILE.so), or delete them by hand",
                 unlisted.n);
}

/* Keeps other users from a file or folder that was there already: rows hold secrets of functions. */
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

/* Of the registry, of journals and copies that are named after it, and of the store. */
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

static void found_code(void *arg, const char *sha256)
{
    (void)sha256;
    *(bool *)arg = true;
}

static int open_parts(struct nw_registry *registry, const char *directory, char *why, size_t why_size)
{
    bool has_code = false;
    if (make_all_private(directory, why, why_size) < 0 ||
        nw__store_open(&registry->store, directory, why, why_size) < 0)
        return -EIO;
    nw__store_each(&registry->store, found_code, &has_code);
    return nw__registry_file_open(&registry->file, directory, has_code, why, why_size);
}

struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size)
{
    struct nw_registry *registry = calloc(1, sizeof *registry);
    if (!registry) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    registry->store.directory = registry->file.directory = -1;
    if (open_parts(registry, directory, why, why_size) < 0) {
        nw_registry_close(registry);
        return NULL;
    }
    nw_check_valid(registry, registry);
    remove_orphans(registry);
    notice_unlisted(registry);
    return registry;
}

void nw_registry_close(struct nw_registry *registry)
{
    nw__registry_file_close(&registry->file);
    nw__store_close(&registry->store);
    free(registry);
}

const char *nw_registry_notice(const struct nw_registry *registry)
{
    return *registry->file.notice ? registry->file.notice : NULL;
}

const char *nw_registry_store_notice(const struct nw_registry *registry)
{
    return *registry->store_notice ? registry->store_notice : NULL;
}

bool nw__registry_is_there(const struct nw_registry *registry)
{
    return nw__registry_file_is_there(&registry->file) && nw__store_is_there(&registry->store, registry->file.path);
}

/* --- code --- */

/* Code is listed before it is written: if a kill comes between, the next start knows whose file it is. */
int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size)
{
    nw_check_valid(registry, registry);
    nw__store_name(code, length, sha256);
    const char *text = sha256;
    int rc = nw__registry_file_list_code(&registry->file, text, why, why_size);
    return rc < 0 ? rc : nw__store_put(&registry->store, code, length, sha256, why, why_size);
}

int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size)
{
    nw_check_valid(registry, registry);
    return nw__store_open_code(&registry->store, sha256, why, why_size);
}

void nw_registry_forget(struct nw_registry *registry, const char *sha256)
{
    if (!row_names(registry, sha256))
        nw__store_remove(&registry->store, sha256);
}

/* --- rows --- */

int nw_registry_put(struct nw_registry *registry, const struct nw_manifest *manifest, const char *sha256, char *why,
                    size_t why_size)
{
    struct nw_buffer json = {0};
    nw_check_valid(registry, registry);
    if (nw_manifest_to_json(manifest, &json) < 0 || nw_buffer_append(&json, "", 1) < 0) {
        nw_buffer_fini(&json);
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    const char *const texts[] = {manifest->name, sha256, json.data};
    int rc = nw__registry_file_change(&registry->file, "INSERT OR REPLACE INTO functions VALUES (?, ?, ?)", texts, 3,
                                      why, why_size);
    nw_buffer_fini(&json);
    return rc;
}

int nw_registry_delete(struct nw_registry *registry, const char *name, char *why, size_t why_size)
{
    nw_check_valid(registry, registry);
    return nw__registry_file_change(&registry->file, "DELETE FROM functions WHERE name = ?", &name, 1, why, why_size);
}

/* A row that cannot be read stays where it is; its function is not served. */
static void read_row(sqlite3_stmt *query, void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256),
                     void *arg)
{
    const char *name = (const char *)sqlite3_column_text(query, 0);
    const char *sha256 = (const char *)sqlite3_column_text(query, 1);
    const char *json = (const char *)sqlite3_column_text(query, 2);
    char why[512] = "it is not whole";
    struct nw_manifest manifest;
    nw_manifest_init(&manifest);
    if (name && sha256 && json && strspn(sha256, "0123456789abcdef") == (NW__STORE_SHA256_SIZE - 1) &&
        !sha256[(NW__STORE_SHA256_SIZE - 1)] &&
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
    int rc = sqlite3_prepare_v2(registry->file.db, "SELECT name, sha256, manifest FROM functions ORDER BY name", -1,
                                &query, NULL);
    if (rc == SQLITE_OK)
        while ((rc = sqlite3_step(query)) == SQLITE_ROW)
            read_row(query, row, arg);
    if (rc != SQLITE_DONE)
        snprintf(why, why_size, "cannot read the registry: %s", sqlite3_errmsg(registry->file.db));
    sqlite3_finalize(query);
    return rc == SQLITE_DONE ? 0 : -EIO;
}
