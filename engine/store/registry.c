/*
 * The registry of registry.h. Not responsible for what a function is doing (deployments.c).
 *
 * Two locks. Who takes both takes `commit` first: it is held while changes are applied, for as long as that takes, also
 * in the copy; `lock` while the file is used, also while a change waits for the disk.
 */
#include "engine/store/registry.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "engine/store/database/registry_file.h"
#include "engine/store/keep.h"
#include "engine/store/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOKUPS 64 /* of code, while nobody else may use the registry */

struct nw_registry {
    struct nw__registry_file file;
    struct nw__store store;
    pthread_mutex_t commit, lock;
    bool keeps_code; /* the disk may have a registry that names code which no row has; under `lock` */
    char store_notice[256];
};

/* Registry and store are open. */
static bool registry_is_valid(const struct nw_registry *registry)
{
    return registry->file.main.db && registry->file.directory >= 0 && registry->store.directory >= 0;
}

/* --- opening --- */

static void remove_code(void *arg, const char *sha256)
{
    struct nw_registry *registry = arg;
    nw__store_remove(&registry->store, sha256);
}

static int add_nothing(struct nw__database *database, void *arg)
{
    (void)database, (void)arg;
    return SQLITE_OK;
}

static int forget_all_code(struct nw__database *database, void *arg)
{
    (void)arg;
    return nw_database_remove_code(database, NULL);
}

static void find_code(void *arg, const char *sha256)
{
    (void)sha256;
    *(bool *)arg = true;
}

/* Removes code that we wrote and that no function has: the engine was killed before its row was written, or after that
 * of its successor was. Not when rows may be missing, since one of them may name the code. The last engine may have
 * been killed before the disk had what it wrote, and the registry on the disk may name the code: so that is waited for
 * first. */
static void remove_orphans(struct nw_registry *registry)
{
    struct nw__registry_file *file = &registry->file;
    bool any = false;
    char why[512];
    int rc = nw_database_each_code(&file->main, find_code, &any);
    if (!any || rc != SQLITE_OK)
        return;
    if (!file->may_lack) {
        if (nw_registry_file_change(file, NW__DATABASE_MACHINE, add_nothing, NULL, why, sizeof why) < 0) {
            nw_log(NW_LOG_WARN, "%s", why);
            return;
        }
        nw_database_each_code(&file->main, remove_code, registry);
    }
    nw_registry_file_change(file, NW__DATABASE_KILL, forget_all_code, NULL, why, sizeof why);
}

/* Takes the rights of other users to a file or folder that was there already: rows hold secrets of functions. */
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

/* The registry, all files whose names begin like its own, and the store. */
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

static bool found_code(void *arg, const char *sha256)
{
    (void)sha256;
    *(bool *)arg = true;
    return false;
}

/* --- opening and closing --- */

static int open_parts(struct nw_registry *registry, const char *directory, char *why, size_t why_size)
{
    bool has_code = false;
    if (make_all_private(directory, why, why_size) < 0 ||
        nw__store_open(&registry->store, directory, why, why_size) < 0)
        return -EIO;
    nw__store_each(&registry->store, found_code, &has_code);
    return nw_registry_file_open(&registry->file, directory, has_code, why, why_size);
}

struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size)
{
    struct nw_registry *registry = calloc(1, sizeof *registry);
    if (!registry) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    registry->store.directory = registry->file.directory = -1;
    pthread_mutex_init(&registry->commit, NULL);
    pthread_mutex_init(&registry->lock, NULL);
    if (open_parts(registry, directory, why, why_size) < 0) {
        nw_registry_close(registry);
        return NULL;
    }
    nw_check_valid(registry, registry);
    remove_orphans(registry);
    return registry;
}

void nw_registry_close(struct nw_registry *registry)
{
    nw_registry_file_close(&registry->file);
    nw__store_close(&registry->store);
    pthread_mutex_destroy(&registry->commit);
    pthread_mutex_destroy(&registry->lock);
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

/* Names of code that are looked up together. */
struct lookups {
    struct nw_registry *registry;
    char sha256[LOOKUPS][NW__DATABASE_SHA256 + 1];
    unsigned n, unlisted;
};

/* What nobody knows may have been removed since it was listed. */
static void look_up(struct lookups *lookups)
{
    struct nw_registry *registry = lookups->registry;
    pthread_mutex_lock(&registry->lock);
    unsigned unknown = nw_database_unknown(&registry->file.main, lookups->sha256, lookups->n);
    pthread_mutex_unlock(&registry->lock);
    for (unsigned i = 0; i < unknown; i++)
        lookups->unlisted += nw__store_is_named(&registry->store, lookups->sha256[i]);
    lookups->n = 0;
}

static bool add_lookup(void *arg, const char *sha256)
{
    struct lookups *lookups = arg;
    memcpy(lookups->sha256[lookups->n++], sha256, NW__DATABASE_SHA256 + 1);
    if (lookups->n == LOOKUPS)
        look_up(lookups);
    return true;
}

unsigned nw_registry_look_through(struct nw_registry *registry)
{
    struct lookups lookups = {.registry = registry};
    nw__store_each(&registry->store, add_lookup, &lookups);
    look_up(&lookups);
    return lookups.unlisted;
}

void nw_registry_note_unlisted(struct nw_registry *registry, unsigned n)
{
    *registry->store_notice = '\0';
    if (n)
        snprintf(registry->store_notice, sizeof registry->store_notice,
                 "%u files in the directory store belong to no function that the registry knows; they are kept. Deploy "
                 "them (nightward deploy NAME FILE.so), or delete them by hand",
                 n);
}

bool nw__registry_is_there(struct nw_registry *registry)
{
    return nw_registry_file_is_there(&registry->file) && nw__store_is_there(&registry->store, registry->file.path);
}

/* --- code --- */

static int add_code(struct nw__database *database, void *arg)
{
    return nw_database_add_code(database, arg);
}

static int remove_from_list(struct nw__database *database, void *arg)
{
    return nw_database_remove_code(database, arg);
}

static int change_list(struct nw_registry *registry, nw__registry_change *make, char *sha256, char *why,
                       size_t why_size)
{
    pthread_mutex_lock(&registry->lock);
    int rc = nw_registry_file_change(&registry->file, NW__DATABASE_KILL, make, sha256, why, why_size);
    pthread_mutex_unlock(&registry->lock);
    return rc;
}

/* Code is listed before it is written: if the engine is killed before any function has it, the next start knows that
 * the file is ours, and removes it. */
int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size)
{
    nw_check_valid(registry, registry);
    nw__store_name(code, length, sha256);
    if (nw__store_has(&registry->store, sha256))
        return 0;
    int rc = change_list(registry, add_code, sha256, why, why_size);
    return rc < 0 ? rc : nw__store_put(&registry->store, code, length, sha256, why, why_size);
}

int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size)
{
    nw_check_valid(registry, registry);
    return nw__store_open_code(&registry->store, sha256, why, why_size);
}

void nw_registry_forget(struct nw_registry *registry, const char *sha256)
{
    char why[512], text[NW__DATABASE_SHA256 + 1];
    pthread_mutex_lock(&registry->lock);
    bool stays = registry->keeps_code || nw_database_names(&registry->file.main, sha256);
    pthread_mutex_unlock(&registry->lock);
    if (stays)
        return;
    nw__store_remove(&registry->store, sha256);
    snprintf(text, sizeof text, "%s", sha256);
    change_list(registry, remove_from_list, text, why, sizeof why); /* if it fails, the next start tries again */
}

/* --- changes --- */

/* A change on its way into the registry. */
struct pending {
    struct nw_registry_change *change;
    struct nw_buffer text; /* of its row: the manifest, and the line of the release if there is one; terminated */
    struct nw_buffer beside;
    char beside_name[NW_KEPT_NAME + 1];
};

static void refuse(struct pending *pending, int rc, const char *why)
{
    pending->change->rc = rc;
    snprintf(pending->change->why, pending->change->why_size, "%s", why);
}

static void refuse_all(struct pending *pending, size_t n, const char *why)
{
    for (size_t i = 0; i < n; i++)
        if (pending[i].change->rc == 0)
            refuse(&pending[i], -EIO, why);
}

/* The name is not written twice: so functions that are deployed alike have the same text. */
static int print_manifest(const struct nw_manifest *manifest, struct nw_buffer *text)
{
    struct nw_manifest nameless = *manifest;
    *nameless.name = '\0';
    return nw_manifest_to_json(&nameless, text);
}

int nw_registry_hash(const struct nw_manifest *manifest, const char *sha256, char hash[NW_RELEASE_HASH + 1])
{
    struct nw_buffer text = {0};
    int rc = print_manifest(manifest, &text) < 0 || nw_buffer_append(&text, "", 1) < 0 ? -ENOMEM : 0;
    if (rc == 0)
        nw__release_hash(text.data, sha256, hash);
    nw_buffer_fini(&text);
    return rc;
}

/* Terminated. */
static int print_row(const struct nw_manifest *manifest, const struct nw_release *release, const char *routes,
                     struct nw_buffer *text)
{
    int rc = print_manifest(manifest, text);
    if (release)
        rc |= nw_buffer_append(text, "\n", 1) | nw_release_print(release, routes, text);
    return rc | nw_buffer_append(text, "", 1);
}

static void prepare(struct pending *pending, struct nw_registry_change *change)
{
    *pending = (struct pending){.change = change};
    change->rc = 0;
    if (!change->manifest)
        return;
    int rc = print_row(change->manifest, change->release, change->routes, &pending->text);
    if (change->beside) {
        rc |= print_row(change->beside->manifest, change->beside->release, NULL, &pending->beside);
        nw_release_kept_name(change->name, change->beside->release->number, pending->beside_name);
    }
    if (rc < 0)
        refuse(pending, -ENOMEM, "out of memory");
}

/* Syncs the code that changes name, and the store's directory. False: the directory failed, and all are refused. */
static bool sync_code(struct nw_registry *registry, struct pending *pending, size_t n)
{
    struct nw__store_sync sync;
    char why[512];
    nw__store_sync_begin(&registry->store, &sync);
    for (size_t i = 0; i < n; i++) {
        struct nw_registry_change *change = pending[i].change;
        if (change->manifest && change->rc == 0)
            change->rc = nw__store_sync_file(&registry->store, change->sha256, change->why, change->why_size);
        if (change->beside && change->rc == 0)
            change->rc = nw__store_sync_file(&registry->store, change->beside->sha256, change->why, change->why_size);
    }
    if (nw__store_sync_end(&sync, why, sizeof why) == 0)
        return true;
    refuse_all(pending, n, why);
    return false;
}

static bool names_code(const struct pending *pending, size_t n)
{
    while (n--)
        if (pending[n].change->manifest)
            return true;
    return false;
}

struct batch {
    struct pending *pending;
    size_t n;
    bool copies; /* they were made before */
};

static int make_change(struct nw__database *database, const struct pending *pending, struct nw_buffer *dropped)
{
    const struct nw_registry_change *change = pending->change;
    if (dropped)
        dropped->length = 0;
    const struct nw__database_row row = {
        .name = change->name, .sha256 = change->sha256, .manifest = pending->text.data};
    if (!change->manifest)
        return nw__keep_remove(database, change->name, dropped);
    const struct nw__database_row beside = {.name = pending->beside_name,
                                            .sha256 = change->beside ? change->beside->sha256 : NULL,
                                            .manifest = pending->beside.data};
    const struct nw__keep keep = {.keep = change->release ? change->keep : 0,
                                  .routes = change->routes,
                                  .beside = change->beside ? &beside : NULL,
                                  .dropped = dropped};
    return nw__keep_put(database, &row, change->release ? change->release->number : 0, &keep);
}

static int make_changes(struct nw__database *database, void *arg)
{
    const struct batch *batch = arg;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < batch->n && rc == SQLITE_OK; i++) {
        struct nw_registry_change *change = batch->pending[i].change;
        if (change->rc == 0)
            rc = make_change(database, &batch->pending[i], batch->copies ? NULL : &change->dropped);
    }
    return rc;
}

/* After a failure the disk may have the changes all the same, until another change is on it. */
static void write_changes(struct nw_registry *registry, struct batch *batch)
{
    char why[512];
    pthread_mutex_lock(&registry->lock);
    int rc = nw_registry_file_change(&registry->file, NW__DATABASE_MACHINE, make_changes, batch, why, sizeof why);
    registry->keeps_code = rc < 0;
    pthread_mutex_unlock(&registry->lock);
    if (rc < 0)
        refuse_all(batch->pending, batch->n, why);
}

static bool any_left(const struct batch *batch)
{
    for (size_t i = 0; i < batch->n; i++)
        if (batch->pending[i].change->rc == 0)
            return true;
    return false;
}

void nw_registry_apply(struct nw_registry *registry, struct nw_registry_change *const *changes, size_t n)
{
    struct pending *pending = calloc(n, sizeof *pending);
    struct batch batch = {pending, n, false};
    nw_check_valid(registry, registry);
    if (!pending)
        nw_die_system("cannot write to the registry: out of memory");
    for (size_t i = 0; i < n; i++)
        prepare(&pending[i], changes[i]);
    pthread_mutex_lock(&registry->commit);
    if ((!names_code(pending, n) || sync_code(registry, pending, n)) && any_left(&batch))
        write_changes(registry, &batch);
    batch.copies = true;
    if (any_left(&batch)) {
        pthread_mutex_lock(&registry->lock);
        nw_registry_file_copy(&registry->file, make_changes, &batch);
        pthread_mutex_unlock(&registry->lock);
    }
    pthread_mutex_unlock(&registry->commit);
    for (size_t i = 0; i < n; i++)
        nw_buffer_fini(&pending[i].text), nw_buffer_fini(&pending[i].beside);
    free(pending);
}

/* --- reading --- */

/* Manifests are parsed only when they are not the same as the last one: many are, where functions are deployed alike.
 */
struct reading {
    void (*row)(void *arg, const struct nw_registry_row *row);
    void *arg;
    struct nw_buffer text; /* of the manifest that is parsed, terminated; empty: none is */
    struct nw_buffer is;   /* of the one that is to be */
    struct nw_manifest manifest;
};

static int parse(struct reading *reading, char *why, size_t why_size)
{
    const struct nw_buffer *is = &reading->is;
    if (reading->text.length == is->length && !memcmp(reading->text.data, is->data, is->length))
        return 0;
    reading->text.length = 0;
    nw_manifest_fini(&reading->manifest);
    nw_manifest_init(&reading->manifest);
    int rc = nw_manifest_parse_json(&reading->manifest, is->data, is->length - 1, NULL, 0, why, why_size);
    bool named = *reading->manifest.name != '\0';
    if (rc == 0 && !named && nw_buffer_append(&reading->text, is->data, is->length) < 0)
        nw_die_system("cannot read the registry: out of memory");
    return rc;
}

/* An earlier version wrote the name into the manifest, too. `length` characters are the function's. */
static bool take_name(struct nw_manifest *manifest, const char *name, size_t length, bool cached)
{
    if (nw_manifest_check_name(name, length) < 0)
        return false;
    if (!cached)
        return strlen(manifest->name) == length && !memcmp(manifest->name, name, length);
    memcpy(manifest->name, name, length);
    manifest->name[length] = '\0';
    return true;
}

/* A version whose row cannot be read is not served. The row stays, for people to look at. */
static void read_version(struct reading *reading, const struct nw__database_row *row, size_t name_length)
{
    char why[512] = "it is not whole";
    struct nw_release release;
    const char *routes;
    if (strlen(row->sha256) == NW__DATABASE_SHA256) {
        nw__keep_split(row, &reading->is, &release, &routes);
        if (parse(reading, why, sizeof why) == 0 &&
            take_name(&reading->manifest, row->name, name_length, reading->text.length > 0)) {
            const bool serves = !row->name[name_length];
            const struct nw_registry_row read = {&reading->manifest, row->sha256, &release, serves,
                                                 serves ? routes : NULL};
            reading->row(reading->arg, &read);
            return;
        }
    }
    nw_log(NW_LOG_ERROR, "cannot read the registry's record of \"%s\": %s; deploy it again", row->name, why);
}

static bool read_serving(void *arg, const struct nw__database_row *row)
{
    if (!nw_release_kept_number(row->name))
        read_version(arg, row, strlen(row->name));
    return true;
}

static void read_any(void *arg, const struct nw__database_row *row)
{
    read_version(arg, row, strcspn(row->name, "@"));
}

static void reading_init(struct reading *reading, void (*row)(void *arg, const struct nw_registry_row *row), void *arg)
{
    *reading = (struct reading){.row = row, .arg = arg};
    nw_manifest_init(&reading->manifest);
}

static void reading_fini(struct reading *reading)
{
    nw_manifest_fini(&reading->manifest);
    nw_buffer_fini(&reading->text);
    nw_buffer_fini(&reading->is);
}

void nw_registry_each(struct nw_registry *registry, void (*row)(void *arg, const struct nw_registry_row *row),
                      void *arg)
{
    struct reading reading;
    reading_init(&reading, row, arg);
    pthread_mutex_lock(&registry->lock);
    nw_database_each(&registry->file.main, 0, read_serving, &reading);
    pthread_mutex_unlock(&registry->lock);
    reading_fini(&reading);
}

void nw_registry_versions(struct nw_registry *registry, const char *name,
                          void (*row)(void *arg, const struct nw_registry_row *row), void *arg)
{
    struct reading reading;
    reading_init(&reading, row, arg);
    pthread_mutex_lock(&registry->lock);
    nw__keep_each(&registry->file.main, name, read_any, &reading);
    pthread_mutex_unlock(&registry->lock);
    reading_fini(&reading);
}
