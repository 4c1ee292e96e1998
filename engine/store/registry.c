/*
 * The registry of registry.h. Not responsible for what a function is doing (deployments.c).
 *
 * Three locks. Who takes more than one takes them in this order: `commit` while changes are applied, for as long as
 * that takes; `append` to write to the journal, but not while an append is synced, so that code can be listed
 * meanwhile; `index` to look at the rows or to change them. Rows change only with `commit` held, so its holder may look
 * at them without `index`.
 */
#include "engine/store/registry.h"
#include "common/base/log.h"
#include "common/base/valid.h"
#include "engine/base/list.h"
#include "engine/store/journal/journal.h"
#include "engine/store/rows.h"
#include "engine/store/store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEAD_BYTES (1ul << 20) /* so much of a journal may be out of date before it is written anew */

struct nw_registry {
    struct nw_journal journal;
    struct nw__store store;
    struct nw__rows rows;
    pthread_mutex_t commit, append, index;
    struct nw_buffer orphans; /* hashes of code that we wrote, and that may belong to nobody; under `append` */
    struct nw_list storing;   /* code that is listed and may not be in the store yet; under `append` */
    bool keeps_code;          /* the disk may have a journal that names code which no row has; under `index` */
    char store_notice[256];
};

/* Journal and store are open. */
static bool registry_is_valid(const struct nw_registry *registry)
{
    return registry->journal.fd >= 0 && registry->journal.directory >= 0 && registry->store.directory >= 0;
}

/* --- opening --- */

/* Notes code that may belong to no function. When memory is out for that, its file may stay for good. */
static void add_orphan(struct nw_registry *registry, const char *sha256)
{
    nw_buffer_append(&registry->orphans, sha256, NW_RECORD_SHA256);
}

/* Frees a row that is in no table any more; nobody else may have its code. */
static void drop(struct nw_registry *registry, struct nw__row *row)
{
    if (row)
        add_orphan(registry, row->sha256);
    free(row);
}

static void replay(void *arg, const struct nw_record *record, struct nw_journal_place place)
{
    struct nw_registry *registry = arg;
    struct nw__row *row;
    switch (record->kind) {
    case NW_RECORD_BEGIN:
        break;
    case NW_RECORD_PUT:
        row = nw__row_new(record->name, record->sha256);
        if (!row)
            nw_die_system("cannot read the registry: out of memory");
        drop(registry, nw__rows_put(&registry->rows, row, place));
        break;
    case NW_RECORD_DELETE:
        drop(registry, nw__rows_take(&registry->rows, record->name));
        break;
    case NW_RECORD_CODE:
        add_orphan(registry, record->sha256);
        break;
    }
}

/* Keeps those orphans that no function has and for which `keep` returns true; forgets the others. */
static void sift_orphans(struct nw_registry *registry, bool (*keep)(struct nw_registry *registry, const char *sha256))
{
    char sha256[NW__STORE_SHA256_SIZE] = "", *orphans = registry->orphans.data;
    size_t length = registry->orphans.length, kept = 0;
    for (size_t at = 0; at < length; at += NW_RECORD_SHA256) {
        memcpy(sha256, orphans + at, NW_RECORD_SHA256);
        if (nw__rows_name(&registry->rows, sha256) || !keep(registry, sha256))
            continue;
        memmove(orphans + kept, sha256, NW_RECORD_SHA256);
        kept += NW_RECORD_SHA256;
    }
    registry->orphans.length = kept;
}

/* Code on its way into the store. */
struct storing {
    struct nw_list link; /* in registry->storing */
    const char *sha256;
};

/* Whether code is in the store, or may be any moment. */
static bool may_be_in_store(struct nw_registry *registry, const char *sha256)
{
    nw_list_each(&registry->storing, at, next)
    {
        if (!memcmp(nw_container(at, struct storing, link)->sha256, sha256, NW_RECORD_SHA256))
            return true;
    }
    return nw__store_is_named(&registry->store, sha256);
}

static bool remove_orphan(struct nw_registry *registry, const char *sha256)
{
    nw__store_remove(&registry->store, sha256);
    return false;
}

/* Removes code that we wrote and that no function has: the engine was killed before its record was written, or after
 * that of its successor was. Not when records may be missing, since one of them may name the code; nor when the journal
 * on disk may be older than what was read, and still name it. */
static void remove_orphans(struct nw_registry *registry)
{
    if (registry->journal.recovered)
        registry->orphans.length = 0;
    if (!registry->journal.broken)
        sift_orphans(registry, remove_orphan);
}

struct unlisted {
    struct nw_registry *registry;
    unsigned n;
};

static bool count_unlisted(void *arg, const char *sha256)
{
    struct unlisted *unlisted = arg;
    unlisted->n += !nw__rows_name(&unlisted->registry->rows, sha256);
    return true;
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

/* Takes the rights of other users to a file or folder that was there already: records hold secrets of functions. */
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

/* --- writing the journal anew --- */

static void keep_row(void *arg, struct nw__row *row)
{
    nw_journal_rewrite_keep(arg, row->place, &row->next);
}

static void move_row(void *arg, struct nw__row *row)
{
    (void)arg;
    row->place = row->next;
}

static void keep_orphans(struct nw_registry *registry, struct nw_journal_rewrite *rewrite)
{
    if (registry->journal.recovered && registry->journal.image.data)
        return;
    sift_orphans(registry, may_be_in_store);
    for (size_t at = 0; at < registry->orphans.length; at += NW_RECORD_SHA256)
        nw_journal_rewrite_add(rewrite,
                               (struct nw_record){.kind = NW_RECORD_CODE, .sha256 = registry->orphans.data + at});
}

static void keep_code(struct nw_registry *registry, bool keep)
{
    pthread_mutex_lock(&registry->index);
    registry->keeps_code = keep;
    pthread_mutex_unlock(&registry->index);
}

/* Writes a journal without the records that no longer count, and uses that from then on. */
static int write_anew(struct nw_registry *registry, char *why, size_t why_size)
{
    struct nw_journal_rewrite rewrite;
    nw_journal_rewrite_begin(&rewrite, &registry->journal);
    nw__rows_each(&registry->rows, keep_row, &rewrite);
    keep_orphans(registry, &rewrite);
    int rc = nw_journal_rewrite_end(&rewrite, why, why_size);
    if (rc < 0)
        return rc;
    nw__rows_each(&registry->rows, move_row, NULL);
    if (registry->journal.broken) {
        snprintf(why, why_size, "cannot write to the registry: the state directory cannot be synced");
        return -EIO;
    }
    keep_code(registry, false);
    return 0;
}

static bool is_mostly_dead(const struct nw_registry *registry)
{
    return registry->journal.length > 2 * registry->rows.bytes + DEAD_BYTES;
}

/* --- opening and closing --- */

/* The last engine may have been killed before it synced what it wrote, so that is synced before anybody acts on it. */
static void sync_found(struct nw_registry *registry)
{
    char why[512];
    registry->journal.broken = nw_journal_sync(&registry->journal, registry->journal.length, why, sizeof why) < 0;
    if (registry->journal.broken)
        nw_log(NW_LOG_WARN, "%s", why);
    else
        nw_journal_keep_copy(&registry->journal);
}

static int open_parts(struct nw_registry *registry, const char *directory, char *why, size_t why_size)
{
    bool has_code = false;
    if (make_all_private(directory, why, why_size) < 0 ||
        nw__store_open(&registry->store, directory, why, why_size) < 0)
        return -EIO;
    nw__store_each(&registry->store, found_code, &has_code);
    int rc = nw_journal_open(&registry->journal, directory, has_code, replay, registry, why, why_size);
    if (rc == 1 || (rc == 0 && is_mostly_dead(registry)))
        return write_anew(registry, why, why_size);
    if (rc == 0)
        sync_found(registry);
    return rc;
}

struct nw_registry *nw_registry_open(const char *directory, char *why, size_t why_size)
{
    struct nw_registry *registry = calloc(1, sizeof *registry);
    if (!registry) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    registry->store.directory = registry->journal.directory = registry->journal.fd = registry->journal.copy = -1;
    nw_list_init(&registry->storing);
    pthread_mutex_init(&registry->commit, NULL);
    pthread_mutex_init(&registry->append, NULL);
    pthread_mutex_init(&registry->index, NULL);
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
    nw_journal_close(&registry->journal);
    nw__store_close(&registry->store);
    nw__rows_fini(&registry->rows);
    nw_buffer_fini(&registry->orphans);
    pthread_mutex_destroy(&registry->commit);
    pthread_mutex_destroy(&registry->append);
    pthread_mutex_destroy(&registry->index);
    free(registry);
}

const char *nw_registry_notice(const struct nw_registry *registry)
{
    return *registry->journal.notice ? registry->journal.notice : NULL;
}

const char *nw_registry_store_notice(const struct nw_registry *registry)
{
    return *registry->store_notice ? registry->store_notice : NULL;
}

bool nw__registry_is_there(struct nw_registry *registry)
{
    return nw_journal_is_there(&registry->journal) && nw__store_is_there(&registry->store, registry->journal.path);
}

/* --- code --- */

/* Code is listed in the journal before it is written: if the engine is killed before any function has it, the next
 * start knows that the file is ours, and removes it. A broken journal lists it when it is written anew. */
static int list_code(struct nw_registry *registry, struct storing *storing, char *why, size_t why_size)
{
    struct nw_buffer bytes = {0};
    pthread_mutex_lock(&registry->append);
    bool broken = registry->journal.broken;
    add_orphan(registry, storing->sha256);
    nw_list_append(&registry->storing, &storing->link);
    int rc = broken ? 0
                    : nw_journal_add(&registry->journal, &bytes,
                                     (struct nw_record){.kind = NW_RECORD_CODE, .sha256 = storing->sha256});
    if (rc < 0)
        snprintf(why, why_size, "out of memory");
    else if (!broken)
        rc = nw_journal_append(&registry->journal, &bytes, why, why_size);
    pthread_mutex_unlock(&registry->append);
    nw_buffer_fini(&bytes);
    return rc;
}

int nw_registry_store(struct nw_registry *registry, const void *code, size_t length, char *sha256, char *why,
                      size_t why_size)
{
    nw_check_valid(registry, registry);
    nw__store_name(code, length, sha256);
    if (nw__store_has(&registry->store, sha256))
        return 0;
    struct storing storing = {.sha256 = sha256};
    int rc = list_code(registry, &storing, why, why_size);
    if (rc == 0)
        rc = nw__store_put(&registry->store, code, length, sha256, why, why_size);
    pthread_mutex_lock(&registry->append);
    nw_list_remove(&storing.link);
    pthread_mutex_unlock(&registry->append);
    return rc;
}

int nw_registry_open_code(struct nw_registry *registry, const char *sha256, char *why, size_t why_size)
{
    nw_check_valid(registry, registry);
    return nw__store_open_code(&registry->store, sha256, why, why_size);
}

void nw_registry_forget(struct nw_registry *registry, const char *sha256)
{
    pthread_mutex_lock(&registry->index);
    bool stays = registry->keeps_code || nw__rows_name(&registry->rows, sha256);
    pthread_mutex_unlock(&registry->index);
    if (!stays)
        nw__store_remove(&registry->store, sha256);
}

/* --- changes --- */

/* A change on its way into the journal. */
struct pending {
    struct nw_registry_change *change;
    struct nw__row *row;           /* the row to be put; NULL: the function is removed */
    struct nw_buffer json;         /* of the manifest */
    struct nw_journal_place place; /* of its record, in the bytes that are appended */
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

static void prepare(struct pending *pending, struct nw_registry_change *change)
{
    *pending = (struct pending){.change = change};
    change->rc = 0;
    if (!change->manifest)
        return;
    pending->row = nw__row_new(change->name, change->sha256);
    if (!pending->row || nw_manifest_to_json(change->manifest, &pending->json) < 0)
        refuse(pending, -ENOMEM, "out of memory");
}

static void pending_fini(struct pending *pending)
{
    free(pending->row);
    nw_buffer_fini(&pending->json);
}

/* Syncs the code that changes name, and the store's directory. False: the directory failed, and all are refused. */
static bool sync_code(struct nw_registry *registry, struct pending *pending, size_t n)
{
    struct nw__store_sync sync;
    char why[512];
    nw__store_sync_begin(&registry->store, &sync);
    for (size_t i = 0; i < n; i++)
        if (pending[i].row && pending[i].change->rc == 0)
            pending[i].change->rc = nw__store_sync_file(&registry->store, pending[i].change->sha256,
                                                        pending[i].change->why, pending[i].change->why_size);
    if (nw__store_sync_end(&sync, why, sizeof why) == 0)
        return true;
    refuse_all(pending, n, why);
    return false;
}

static bool names_code(const struct pending *pending, size_t n)
{
    while (n--)
        if (pending[n].row)
            return true;
    return false;
}

static void add_record(struct nw_registry *registry, struct pending *pending, struct nw_buffer *bytes)
{
    const struct nw_registry_change *change = pending->change;
    pending->place.at = bytes->length;
    int rc = nw_journal_add(&registry->journal, bytes,
                            (struct nw_record){.kind = pending->row ? NW_RECORD_PUT : NW_RECORD_DELETE,
                                               .name = change->name,
                                               .sha256 = change->sha256,
                                               .manifest = pending->json.data,
                                               .manifest_length = pending->json.length});
    pending->place.length = (uint32_t)(bytes->length - pending->place.at);
    if (rc < 0)
        refuse(pending, rc, rc == -E2BIG ? "its settings are too large for the registry" : "out of memory");
}

/* A range of the journal, in bytes. */
struct span {
    uint64_t from, to;
};

/* Appends the records. Their places are relative to the beginning of the span. */
static int append(struct nw_registry *registry, struct pending *pending, size_t n, struct span *span, char *why,
                  size_t why_size)
{
    struct nw_buffer bytes = {0};
    pthread_mutex_lock(&registry->append);
    int rc = registry->journal.broken ? write_anew(registry, why, why_size) : 0;
    span->from = registry->journal.length;
    for (size_t i = 0; i < n && !rc; i++)
        if (pending[i].change->rc == 0)
            add_record(registry, &pending[i], &bytes);
    if (!rc && bytes.length)
        rc = nw_journal_append(&registry->journal, &bytes, why, why_size);
    span->to = registry->journal.length;
    pthread_mutex_unlock(&registry->append);
    nw_buffer_fini(&bytes);
    return rc;
}

static int write_records(struct nw_registry *registry, struct pending *pending, size_t n, char *why, size_t why_size)
{
    struct span span;
    if (append(registry, pending, n, &span, why, why_size) < 0)
        return -EIO;
    if (nw_journal_sync(&registry->journal, span.to, why, why_size) < 0) {
        pthread_mutex_lock(&registry->append);
        nw_journal_take_back(&registry->journal, span.from);
        pthread_mutex_unlock(&registry->append);
        return -EIO;
    }
    for (size_t i = 0; i < n; i++)
        pending[i].place.at += span.from;
    return 0;
}

static void change_rows(struct nw_registry *registry, struct pending *pending, size_t n)
{
    pthread_mutex_lock(&registry->append);
    pthread_mutex_lock(&registry->index);
    for (size_t i = 0; i < n; i++) {
        if (pending[i].change->rc < 0)
            continue;
        struct nw__row *row = pending[i].row;
        pending[i].row = NULL;
        drop(registry, row ? nw__rows_put(&registry->rows, row, pending[i].place)
                           : nw__rows_take(&registry->rows, pending[i].change->name));
    }
    pthread_mutex_unlock(&registry->index);
    pthread_mutex_unlock(&registry->append);
}

/* Housekeeping, whose failure undoes no change. The copy comes first: a journal that is written anew has no records of
 * removals, so if it were damaged later, an old copy without them would bring removed functions back. */
static void tidy(struct nw_registry *registry)
{
    char why[512];
    pthread_mutex_lock(&registry->append);
    nw_journal_keep_copy(&registry->journal);
    if (is_mostly_dead(registry) && write_anew(registry, why, sizeof why) < 0)
        nw_log(NW_LOG_WARN, "the registry stays longer than it need be: %s", why);
    pthread_mutex_unlock(&registry->append);
}

void nw_registry_apply(struct nw_registry *registry, struct nw_registry_change *const *changes, size_t n)
{
    char why[512];
    struct pending *pending = calloc(n, sizeof *pending);
    nw_check_valid(registry, registry);
    if (!pending)
        nw_die_system("cannot write to the registry: out of memory");
    for (size_t i = 0; i < n; i++)
        prepare(&pending[i], changes[i]);
    pthread_mutex_lock(&registry->commit);
    if (!names_code(pending, n) || sync_code(registry, pending, n)) {
        if (write_records(registry, pending, n, why, sizeof why) < 0) {
            keep_code(registry, true);
            refuse_all(pending, n, why);
        }
        change_rows(registry, pending, n);
    }
    tidy(registry);
    pthread_mutex_unlock(&registry->commit);
    for (size_t i = 0; i < n; i++)
        pending_fini(&pending[i]);
    free(pending);
}

/* --- reading --- */

struct reading {
    struct nw_registry *registry;
    void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256);
    void *arg;
    struct nw_buffer bytes;
};

/* A function whose record cannot be read is not served. The record stays, for people to look at. */
static void read_row(void *arg, struct nw__row *row)
{
    struct reading *reading = arg;
    char sha256[NW__STORE_SHA256_SIZE] = "", why[512] = "it is not whole";
    struct nw_record record;
    struct nw_manifest manifest;
    nw_manifest_init(&manifest);
    memcpy(sha256, row->sha256, NW_RECORD_SHA256);
    if (nw_journal_read(&reading->registry->journal, row->place, &reading->bytes, &record) == 0 &&
        nw_manifest_parse_json(&manifest, record.manifest, record.manifest_length, NULL, 0, why, sizeof why) == 0 &&
        !strcmp(manifest.name, row->name))
        reading->row(reading->arg, &manifest, sha256);
    else
        nw_log(NW_LOG_ERROR, "cannot read the registry's record of \"%s\": %s; deploy it again", row->name, why);
    nw_manifest_fini(&manifest);
}

void nw_registry_each(struct nw_registry *registry,
                      void (*row)(void *arg, struct nw_manifest *manifest, const char *sha256), void *arg)
{
    struct reading reading = {registry, row, arg, {0}};
    nw__rows_each(&registry->rows, read_row, &reading);
    nw_buffer_fini(&reading.bytes);
}
