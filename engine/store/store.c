/* The store of store.h. */
#include "engine/store/store.h"
#include "common/base/atomic.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "engine/store/database/set_aside.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_BYTES 32
#define SHA256_HEX   (NW__STORE_SHA256_SIZE - 1)
#define FILE_NAME    (SHA256_HEX + sizeof ".so")
#define ASIDE_NAME   (FILE_NAME + sizeof ".damaged.1000")
#define TEMPORARY    "new-" /* the names of files that are being written begin so */
#define NAME_TRIES   8      /* tries to give a file its name while others take and lose it */
#define CHUNK        (64u << 10)
#define SEALS        (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static void file_name(const char *sha256, char *name)
{
    snprintf(name, FILE_NAME, "%.64s.so", sha256);
}

static bool is_code_name(const char *name)
{
    return strlen(name) == FILE_NAME - 1 && strspn(name, "0123456789abcdef") == SHA256_HEX &&
           !strcmp(name + SHA256_HEX, ".so");
}

/* --- opening --- */

/* Calls back for each file until the callback returns false. */
static void each_entry(struct nw__store *store, bool (*entry)(void *arg, const char *name), void *arg)
{
    int fd = openat(store->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return;
    for (struct dirent *next; (next = readdir(dir)) && entry(arg, next->d_name);)
        continue;
    closedir(dir);
}

static void temporary_prefix(const struct nw__store *store, char *prefix, size_t size)
{
    snprintf(prefix, size, TEMPORARY "%llx-", store->born);
}

/* Whether it is, or was, a file that was being written; that of another engine is removed. */
static bool is_temporary(struct nw__store *store, const char *name)
{
    char ours[64];
    temporary_prefix(store, ours, sizeof ours);
    if (strncmp(name, TEMPORARY, strlen(TEMPORARY)) != 0)
        return false;
    if (strncmp(name, ours, strlen(ours)) != 0)
        unlinkat(store->directory, name, 0);
    return true;
}

int nw__store_open(struct nw__store *store, const char *directory, char *why, size_t why_size)
{
    char path[4096];
    pthread_mutex_init(&store->aside, NULL);
    snprintf(path, sizeof path, "%s/store", directory);
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        snprintf(why, why_size, "cannot make %s: %s", path, strerror(errno));
        return -EIO;
    }
    store->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory < 0) {
        snprintf(why, why_size, "cannot open %s: %s", path, strerror(errno));
        return -EIO;
    }
    store->born = nw_clock_ns();
    return 0;
}

void nw__store_close(struct nw__store *store)
{
    if (store->directory >= 0)
        close(store->directory);
    pthread_mutex_destroy(&store->aside);
}

/* --- hashing --- */

static void digest_failed(void)
{
    nw_die_system("cannot compute a SHA-256: libcrypto failed");
}

static EVP_MD_CTX *digest_begin(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        digest_failed();
    return context;
}

static void digest_add(EVP_MD_CTX *context, const void *data, size_t length)
{
    if (!EVP_DigestUpdate(context, data, length))
        digest_failed();
}

static void digest_end(EVP_MD_CTX *context, char sha256[NW__STORE_SHA256_SIZE])
{
    unsigned char digest[SHA256_BYTES];
    if (!EVP_DigestFinal_ex(context, digest, NULL))
        digest_failed();
    EVP_MD_CTX_free(context);
    for (int i = 0; i < SHA256_BYTES; i++)
        snprintf(sha256 + 2 * i, 3, "%02x", digest[i]);
}

void nw__store_name(const void *code, size_t length, char sha256[NW__STORE_SHA256_SIZE])
{
    EVP_MD_CTX *context = digest_begin();
    digest_add(context, code, length);
    digest_end(context, sha256);
}

/* --- reading --- */

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

/* Hashes what `from` holds, and writes the same bytes to `to` unless that is -1. 0 or negative errno; -EBADMSG when it
 * is more than code may have. */
static int read_code(int from, int to, char *sha256)
{
    static _Thread_local char chunk[CHUNK]; /* its pages are there already when the next file is read */
    EVP_MD_CTX *context = digest_begin();
    int rc = 0;
    for (size_t total = 0; !rc;) {
        ssize_t n = read(from, chunk, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            rc = n < 0 ? -errno : 0;
            break;
        }
        total += (size_t)n;
        digest_add(context, chunk, (size_t)n);
        if (total > NW_STORE_CODE_MAX)
            rc = -EBADMSG;
        else if (to >= 0)
            rc = write_all(to, chunk, (size_t)n);
    }
    digest_end(context, sha256);
    return rc;
}

/* Sets aside the file that was found damaged, unless that name is another file's by now: another thread has set it
 * aside, or replaced it by a good one. */
static void set_aside(struct nw__store *store, const char *name, const struct stat *found)
{
    char as[ASIDE_NAME];
    struct stat now;
    pthread_mutex_lock(&store->aside);
    int rc = fstatat(store->directory, name, &now, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
    bool same = !rc && now.st_ino == found->st_ino && now.st_dev == found->st_dev;
    if (same)
        rc = nw_set_aside(store->directory, name, as, sizeof as);
    pthread_mutex_unlock(&store->aside);
    if (same)
        nw_log(NW_LOG_ERROR, "store/%s is not what was deployed: %s%s", name,
               rc < 0 ? "it cannot be set aside: " : "it is kept as store/", rc < 0 ? strerror(-rc) : as);
}

/* Whether an open file has the hash that is its name; `to` as in read_code. 0, -EBADMSG when it has not, or negative
 * errno when it cannot be read. */
static int check_file(int fd, const char *name, int to)
{
    char found[NW__STORE_SHA256_SIZE];
    int rc = read_code(fd, to, found);
    if (rc == -EISDIR)
        return -EBADMSG;
    return rc ? rc : strncmp(found, name, SHA256_HEX) ? -EBADMSG : 0;
}

/* The same for the file of that name, which is set aside on -EBADMSG. */
static int check(struct nw__store *store, const char *name, int to)
{
    struct stat st;
    /* O_NONBLOCK: to open a FIFO must not wait. */
    int fd = openat(store->directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 ? -errno : check_file(fd, name, to);
    int stat_rc = fd < 0 ? fstatat(store->directory, name, &st, AT_SYMLINK_NOFOLLOW) : fstat(fd, &st);
    if (fd >= 0)
        close(fd);
    if (rc == -ELOOP)
        rc = -EBADMSG;
    if (rc == -EBADMSG && stat_rc == 0)
        set_aside(store, name, &st);
    return rc;
}

static int explain(struct nw__store *store, const char *name, int rc, char *why, size_t why_size)
{
    char as[ASIDE_NAME];
    if ((rc == -EBADMSG || rc == -ENOENT) && nw_set_aside_find(store->directory, name, as, sizeof as) == 0)
        snprintf(why, why_size, "its code was changed in the store, and what was found is kept as store/%s", as);
    else if (rc == -EBADMSG)
        snprintf(why, why_size, "its code, store/%s, was changed", name);
    else if (rc == -ENOENT)
        snprintf(why, why_size, "its code, store/%s, is missing", name);
    else {
        char text[NW_ERROR_TEXT];
        snprintf(why, why_size, "its code, store/%s, cannot be read: %s", name, nw_error_text(-rc, text));
        return rc;
    }
    size_t length = strlen(why);
    snprintf(why + length, why_size - length, "; deploy the same file again to heal it");
    return rc;
}

int nw__store_open_code(struct nw__store *store, const char *sha256, char *why, size_t why_size)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    int copy = memfd_create("function", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int rc = copy < 0 ? -errno : check(store, name, copy);
    /* Readable for all: a worker that runs as another user opens it anew. */
    if (!rc && (fcntl(copy, F_ADD_SEALS, SEALS) < 0 || fchmod(copy, 0444) < 0))
        rc = -errno;
    if (!rc)
        return copy;
    if (copy >= 0)
        close(copy);
    return explain(store, name, rc, why, why_size);
}

/* --- writing --- */

/* Writing to the disk begins at once, so that nw__store_sync_file has less to wait for. */
static int write_file(struct nw__store *store, const char *name, const void *code, size_t length)
{
    int fd = openat(store->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0400);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, code, length);
    if (!rc)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    close(fd);
    return rc;
}

/* Gives a file a name that must be free: 0, -EEXIST when it is not, or another negative errno. */
static int take_name(const struct nw__store *store, const char *temporary, const char *name)
{
    if (renameat2(store->directory, temporary, store->directory, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -errno;
    /* This file system cannot rename so, but may have hard links. */
    return linkat(store->directory, temporary, store->directory, name, 0) < 0 ? -errno : 0;
}

/* Another file has the name already. If it is good it stays: somebody may rely on its being on disk, and ours is not
 * yet synced. check sets a damaged one aside. One that cannot be read is replaced. */
static int replace(struct nw__store *store, const char *temporary, const char *name)
{
    int rc = check(store, name, -1);
    if (rc == -EBADMSG || rc == -ENOENT)
        return take_name(store, temporary, name);
    if (rc == -EACCES || rc == -EIO)
        return renameat(store->directory, temporary, store->directory, name) < 0 ? -errno : 0;
    return rc;
}

static int write_anew(struct nw__store *store, const char *name, const void *code, size_t length)
{
    char temporary[96], prefix[64];
    unsigned number = nw_add_fetch(&store->last_temporary, 1); /* pairs with itself: numbers differ */
    temporary_prefix(store, prefix, sizeof prefix);
    snprintf(temporary, sizeof temporary, "%s%u", prefix, number);
    int rc = write_file(store, temporary, code, length);
    if (!rc)
        rc = take_name(store, temporary, name);
    for (int i = 0; rc == -EEXIST && i < NAME_TRIES; i++)
        rc = replace(store, temporary, name);
    unlinkat(store->directory, temporary, 0); /* fails if it was renamed, which is fine */
    return rc;
}

static int cannot_write(int rc, char *why, size_t why_size)
{
    char text[NW_ERROR_TEXT];
    snprintf(why, why_size, "cannot write the code into the store: %s", nw_error_text(-rc, text));
    return rc;
}

bool nw__store_has(struct nw__store *store, const char *sha256)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    return check(store, name, -1) == 0;
}

int nw__store_put(struct nw__store *store, const void *code, size_t length, const char *sha256, char *why,
                  size_t why_size)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    int rc = write_anew(store, name, code, length);
    return rc < 0 ? cannot_write(rc, why, why_size) : 0;
}

static void *sync_directory(void *arg)
{
    struct nw__store_sync *sync = arg;
    sync->rc = fsync(sync->directory) < 0 ? -errno : 0;
    return NULL;
}

void nw__store_sync_begin(const struct nw__store *store, struct nw__store_sync *sync)
{
    *sync = (struct nw__store_sync){.directory = store->directory};
    sync->threaded = pthread_create(&sync->thread, NULL, sync_directory, sync) == 0;
    if (!sync->threaded)
        sync_directory(sync);
}

int nw__store_sync_file(const struct nw__store *store, const char *sha256, char *why, size_t why_size)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    int fd = openat(store->directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return rc < 0 ? cannot_write(rc, why, why_size) : 0;
}

int nw__store_sync_end(struct nw__store_sync *sync, char *why, size_t why_size)
{
    if (sync->threaded)
        pthread_join(sync->thread, NULL);
    return sync->rc < 0 ? cannot_write(sync->rc, why, why_size) : 0;
}

/* --- what is there --- */

bool nw__store_is_named(const struct nw__store *store, const char *sha256)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    return faccessat(store->directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void nw__store_remove(struct nw__store *store, const char *sha256)
{
    char name[FILE_NAME];
    file_name(sha256, name);
    unlinkat(store->directory, name, 0);
}

struct each {
    struct nw__store *store;
    bool (*callback)(void *arg, const char *sha256);
    void *arg;
};

static bool code_entry(void *arg, const char *name)
{
    const struct each *each = arg;
    char sha256[NW__STORE_SHA256_SIZE];
    if (is_temporary(each->store, name) || !is_code_name(name))
        return true;
    memcpy(sha256, name, SHA256_HEX);
    sha256[SHA256_HEX] = '\0';
    return each->callback(each->arg, sha256);
}

void nw__store_each(struct nw__store *store, bool (*callback)(void *arg, const char *sha256), void *arg)
{
    struct each each = {store, callback, arg};
    each_entry(store, code_entry, &each);
}

bool nw__store_is_there(const struct nw__store *store, const char *directory)
{
    char path[4096];
    struct stat now, opened;
    snprintf(path, sizeof path, "%s/store", directory);
    return stat(path, &now) == 0 && fstat(store->directory, &opened) == 0 && now.st_ino == opened.st_ino &&
           now.st_dev == opened.st_dev;
}
