/* See snapshots.h. */
#include "engine/store/snapshots.h"
#include "common/base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHA256_BYTES 32
#define SHA256_HEX   64
#define CHUNK        (256u << 10)
#define MAGIC        "nwsnap01"
#define SEALS        (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct nw_snapshots {
    int directory, code; /* DIR/snapshots and DIR/store */
};

/* Behind the contents. The hash is of these and of the range. */
struct trailer {
    char magic[8];
    uint64_t range;
    unsigned char sha256[SHA256_BYTES];
};

struct nw_snapshots *nw_snapshots_open(const char *directory)
{
    char path[4096];
    struct nw_snapshots *snapshots = calloc(1, sizeof *snapshots);
    if (!snapshots)
        return NULL;
    snprintf(path, sizeof path, "%s/store", directory);
    snapshots->code = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(path, sizeof path, "%s/snapshots", directory);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        snapshots->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else
        snapshots->directory = -1;
    if (snapshots->directory >= 0 && snapshots->code >= 0)
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
    if (snapshots->code >= 0)
        close(snapshots->code);
    free(snapshots);
}

static void digest_failed(void)
{
    nw_die_system("cannot compute a SHA-256: libcrypto failed");
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

/* Copies the first `size` bytes, and hashes them with the range. -EBADMSG: there are fewer. */
static int copy(int from, int to, uint64_t size, uint64_t range, unsigned char sha256[SHA256_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *chunk = malloc(CHUNK);
    int rc = chunk ? 0 : -ENOMEM;
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL) || !EVP_DigestUpdate(context, &range, sizeof range))
        digest_failed();
    for (uint64_t done = 0; !rc && done < size;) {
        ssize_t n = pread(from, chunk, size - done < CHUNK ? size - done : CHUNK, (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        rc = n < 0 ? -errno : n == 0 ? -EBADMSG : write_all(to, chunk, (size_t)n);
        if (!rc && !EVP_DigestUpdate(context, chunk, (size_t)n))
            digest_failed();
        done += rc ? 0 : (size_t)n;
    }
    if (!EVP_DigestFinal_ex(context, sha256, NULL))
        digest_failed();
    EVP_MD_CTX_free(context);
    free(chunk);
    return rc;
}

/* Gives a file without a name one; what had it is gone. */
static int name_file(const struct nw_snapshots *snapshots, int fd, const char *name)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    unlinkat(snapshots->directory, name, 0);
    return linkat(AT_FDCWD, link, snapshots->directory, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
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
    int rc = copy(file, fd, (uint64_t)st.st_size, range, trailer.sha256);
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
    unsigned char sha256[SHA256_BYTES];
    if (pread(fd, &trailer, sizeof trailer, (off_t)size) != sizeof trailer ||
        memcmp(trailer.magic, MAGIC, sizeof trailer.magic))
        return -EBADMSG;
    int rc = copy(fd, to, size, trailer.range, sha256);
    if (!rc && memcmp(sha256, trailer.sha256, sizeof sha256))
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

static bool has_code(const struct nw_snapshots *snapshots, const char *name)
{
    char code[SHA256_HEX + sizeof ".so"];
    snprintf(code, sizeof code, "%.64s.so", name);
    return faccessat(snapshots->code, code, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void nw_snapshots_sweep(struct nw_snapshots *snapshots)
{
    int fd = openat(snapshots->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *next; (next = readdir(dir));)
        if (strlen(next->d_name) == NW_SNAPSHOT_NAME - 1 && !has_code(snapshots, next->d_name))
            unlinkat(snapshots->directory, next->d_name, 0);
    closedir(dir);
}
