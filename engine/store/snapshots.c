/* See snapshots.h. */
#include "engine/store/snapshots.h"
#include "common/base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_BYTES 32
#define SHA256_HEX   64
#define CHUNK        (64u << 10)
#define SUM_BYTES    16
#define MAGIC        "nwsnap02"
#define SEALS        (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct nw_snapshots {
    int directory; /* DIR/snapshots */
};

/* Behind the contents. The sum is of these and of the range. */
struct trailer {
    char magic[8];
    uint64_t range;
    unsigned char sum[SUM_BYTES];
};

struct nw_snapshots *nw_snapshots_open(const char *directory)
{
    char path[4096];
    struct nw_snapshots *snapshots = calloc(1, sizeof *snapshots);
    if (!snapshots)
        return NULL;
    snprintf(path, sizeof path, "%s/snapshots", directory);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        snapshots->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else
        snapshots->directory = -1;
    if (snapshots->directory >= 0)
        return snapshots;
    nw_log(NW_LOG_WARN, "no snapshots are kept: cannot open %s: %s", path, strerror(errno));
    nw_snapshots_close(snapshots);
    return NULL;
}

void nw_snapshots_close(struct nw_snapshots *snapshots)
{
    if (!snapshots)
        return;
    if (snapshots->directory >= 0)
        close(snapshots->directory);
    free(snapshots);
}

static void digest_failed(void)
{
    nw_die_system("cannot compute a SHA-256 or a sum: libcrypto failed");
}

void nw_snapshots_name(const char *sha256, const void *settings, size_t length, char name[NW_SNAPSHOT_NAME])
{
    unsigned char digest[SHA256_BYTES];
    if (!EVP_Digest(settings, length, digest, NULL, EVP_sha256(), NULL))
        digest_failed();
    int n = snprintf(name, NW_SNAPSHOT_NAME, "%.64s-", sha256);
    for (int i = 0; i < SHA256_BYTES / 2; i++)
        n += snprintf(name + n, NW_SNAPSHOT_NAME - (size_t)n, "%02x", digest[i]);
}

static int write_all(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size;) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

/* The sum shows what a disk or a kill did to a file, not what was forged: who could change the file could sum it up
 * again. So it is one that takes little time, 7 times less than SHA-256 on a processor that has instructions for that:
 * what GCM does for data that are not encrypted, with a key that everybody knows. */
static EVP_MAC_CTX *sum_begin(uint64_t range)
{
    static const unsigned char key[16], nonce[12];
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *)"AES-128-GCM", 0),
                                 OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_IV, (void *)nonce, sizeof nonce),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_GMAC, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (!context || !EVP_MAC_init(context, key, sizeof key, params) ||
        !EVP_MAC_update(context, (const unsigned char *)&range, sizeof range))
        digest_failed();
    return context;
}

static void sum_end(EVP_MAC_CTX *context, unsigned char sum[SUM_BYTES])
{
    size_t length;
    if (!EVP_MAC_final(context, sum, &length, SUM_BYTES) || length != SUM_BYTES)
        digest_failed();
    EVP_MAC_CTX_free(context);
}

/* Copies the first `size` bytes, and sums them up with the range. -EBADMSG: there are fewer. */
static int copy(int from, int to, uint64_t size, uint64_t range, unsigned char sum[SUM_BYTES])
{
    static _Thread_local char chunk[CHUNK]; /* its pages are there already when the next file is read */
    EVP_MAC_CTX *context = sum_begin(range);
    int rc = 0;
    for (uint64_t done = 0; !rc && done < size;) {
        ssize_t n = pread(from, chunk, size - done < CHUNK ? size - done : CHUNK, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        rc = n < 0 ? -errno : n == 0 ? -EBADMSG : write_all(to, chunk, (size_t)n);
        if (!rc && !EVP_MAC_update(context, (const unsigned char *)chunk, (size_t)n))
            digest_failed();
        done += rc ? 0 : (size_t)n;
    }
    sum_end(context, sum);
    return rc;
}

/* Gives a file without a name one, in one step, for another thread may be doing the same: by way of a name that, as
 * long as the descriptor is open, is this file's alone. One that a kill left is in the way. */
static int name_file(const struct nw_snapshots *snapshots, int fd, const char *name)
{
    int directory = snapshots->directory;
    char link[32], own[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    snprintf(own, sizeof own, "new-%d", fd);
    unlinkat(directory, own, 0);
    if (linkat(AT_FDCWD, link, directory, own, AT_SYMLINK_FOLLOW) < 0)
        return -errno;
    if (renameat(directory, own, directory, name) == 0)
        return 0;
    int rc = -errno;
    unlinkat(directory, own, 0);
    return rc;
}

int nw_snapshots_put(struct nw_snapshots *snapshots, const char *name, int file, uint64_t range)
{
    struct trailer trailer = {.magic = MAGIC, .range = range};
    struct stat st;
    if (fstat(file, &st) < 0 || st.st_size < 0)
        return -EBADF;
    if ((uint64_t)st.st_size > NW_SNAPSHOT_MOST)
        return -EFBIG;
    int fd = openat(snapshots->directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);
    if (fd < 0)
        return -errno;
    int rc = copy(file, fd, (uint64_t)st.st_size, range, trailer.sum);
    if (!rc)
        rc = write_all(fd, &trailer, sizeof trailer);
    if (!rc)
        rc = name_file(snapshots, fd, name);
    close(fd);
    return rc;
}

/* Whether the file, of `size` bytes of contents, is what was written; it is copied to `to`. */
static int check(int fd, int to, uint64_t size, uint64_t *range)
{
    struct trailer trailer;
    unsigned char sum[SUM_BYTES];
    if (pread(fd, &trailer, sizeof trailer, (off_t)size) != sizeof trailer ||
        memcmp(trailer.magic, MAGIC, sizeof trailer.magic))
        return -EBADMSG;
    int rc = copy(fd, to, size, trailer.range, sum);
    if (!rc && memcmp(sum, trailer.sum, sizeof sum))
        rc = -EBADMSG;
    *range = trailer.range;
    return rc;
}

static int read_file(int fd, uint64_t *range)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct trailer) ||
        (uint64_t)st.st_size > NW_SNAPSHOT_MOST + sizeof(struct trailer))
        return -EBADMSG;
    int to = memfd_create("snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int rc = to < 0 ? -errno : check(fd, to, (uint64_t)st.st_size - sizeof(struct trailer), range);
    if (!rc && fcntl(to, F_ADD_SEALS, SEALS) < 0)
        rc = -errno;
    if (!rc)
        return to;
    if (to >= 0)
        close(to);
    return rc;
}

int nw_snapshots_get(struct nw_snapshots *snapshots, const char *name, uint64_t *range)
{
    int fd = openat(snapshots->directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = read_file(fd, range);
    close(fd);
    if (rc == -EBADMSG)
        nw_snapshots_remove(snapshots, name);
    return rc;
}

void nw_snapshots_remove(struct nw_snapshots *snapshots, const char *name)
{
    unlinkat(snapshots->directory, name, 0);
}

/* --- what nobody has any more --- */

struct file {
    char name[NW_SNAPSHOT_NAME];
    bool used;
};

struct nw_snapshot_files {
    struct nw_snapshots *snapshots;
    struct file *list; /* in the order of their names */
    size_t n, room;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static bool add_file(struct nw_snapshot_files *files, const char name[NW_SNAPSHOT_NAME])
{
    if (files->n == files->room) {
        size_t room = files->room ? 2 * files->room : 64;
        struct file *list = realloc(files->list, room * sizeof *list);
        if (!list)
            return false;
        files->list = list;
        files->room = room;
    }
    struct file *file = &files->list[files->n++];
    file->used = false;
    memcpy(file->name, name, NW_SNAPSHOT_NAME);
    return true;
}

struct nw_snapshot_files *nw_snapshots_list(struct nw_snapshots *snapshots)
{
    struct nw_snapshot_files *files = calloc(1, sizeof *files);
    int fd = files ? openat(snapshots->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        free(files);
        return NULL;
    }
    files->snapshots = snapshots;
    for (struct dirent *next; (next = readdir(dir));)
        if (strlen(next->d_name) == NW_SNAPSHOT_NAME - 1) {
            if (!add_file(files, next->d_name))
                break; /* the others stay until the next start */
        } else if (!strncmp(next->d_name, "new-", 4)) {
            unlinkat(snapshots->directory, next->d_name, 0); /* a kill left it */
        }
    closedir(dir);
    if (files->n)
        qsort(files->list, files->n, sizeof *files->list, compare);
    return files;
}

/* The first whose name does not come before the key. */
static size_t find(const struct nw_snapshot_files *files, const char *key)
{
    size_t low = 0, high = files->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(files->list[middle].name, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool nw_snapshot_files_have(const struct nw_snapshot_files *files, const char *sha256)
{
    size_t at = find(files, sha256);
    return at < files->n && !strncmp(files->list[at].name, sha256, SHA256_HEX);
}

void nw_snapshot_files_use(struct nw_snapshot_files *files, const char *name)
{
    size_t at = find(files, name);
    if (at < files->n && !strcmp(files->list[at].name, name))
        files->list[at].used = true;
}

void nw_snapshot_files_sweep(struct nw_snapshot_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        if (!files->list[i].used)
            nw_snapshots_remove(files->snapshots, files->list[i].name);
}

void nw_snapshot_files_free(struct nw_snapshot_files *files)
{
    free(files->list);
    free(files);
}
