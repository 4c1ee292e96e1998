/* See found.h. */
#include "engine/store/database/found.h"
#include "engine/store/database/old.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "SQLite format 3"
#define HEAD  sizeof MAGIC

void nw__registry_file_path(const struct nw__registry_file *file, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", file->path, name);
}

/* Whether a result of SQLite says that the file is not what it should be, and not that it cannot be read. */
static bool is_damage(int rc, bool writable)
{
    switch (rc & 0xff) {
    case SQLITE_READONLY: /* also what a damaged header may say of itself */
    case SQLITE_CANTOPEN:
        return writable;
    case SQLITE_PERM:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
        return false;
    default:
        return true;
    }
}

static int look_at_database(const struct nw__registry_file *file, struct nw__found *found, bool sealed)
{
    char path[4200], log[64];
    nw__registry_file_path(file, found->name, path, sizeof path);
    snprintf(log, sizeof log, "%s-wal", found->name);
    found->kind = NW__FOUND_DATABASE;
    found->log = nw__wal_look(file->directory, log);
    int rc = nw__database_open(&found->database, path);
    nw__database_keep_log(&found->database, found->log != NW__WAL_WHOLE); /* or the next start would not see it */
    if (rc == SQLITE_OK)
        rc = nw__database_check(&found->database);
    found->change = found->database.seal.change;
    if (rc == SQLITE_ERROR) { /* no such table */
        nw__database_close(&found->database);
        found->kind = NW__FOUND_OLD_DATABASE;
        rc = nw__old_read(path, sealed, NULL, NULL);
    }
    found->whole = rc == SQLITE_OK;
    bool writable = faccessat(file->directory, found->name, R_OK | W_OK, AT_EACCESS) == 0;
    if (rc == SQLITE_MISMATCH)
        snprintf(found->why, sizeof found->why, "it has no checksum");
    else
        nw__database_explain(&found->database, rc, found->why, sizeof found->why);
    return rc == SQLITE_OK || is_damage(rc, writable) ? 0 : -EIO;
}

static int read_all(int fd, struct nw_buffer *bytes)
{
    ssize_t n = 1;
    while (n > 0) {
        if (nw_buffer_reserve(bytes, 1 << 16) < 0)
            return -ENOMEM;
        n = read(fd, bytes->data + bytes->length, bytes->capacity - bytes->length);
        if (n < 0 && errno != EINTR)
            return -errno;
        bytes->length += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n;
    }
    return 0;
}

static int look_at_bytes(struct nw__found *found, int fd)
{
    snprintf(found->why, sizeof found->why, "it is not what was written");
    char head[HEAD] = "";
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EISDIR;
    found->is = st.st_size ? NW__FOUND_BYTES : NW__FOUND_EMPTY;
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0)
        return -errno;
    if (n == sizeof head && !memcmp(head, MAGIC, sizeof head))
        found->kind = NW__FOUND_DATABASE;
    if (!nw__old_is_journal(head, (size_t)n))
        return 0;
    found->kind = NW__FOUND_OLD_JOURNAL;
    return read_all(fd, &found->journal);
}

int nw__found_look(const struct nw__registry_file *file, struct nw__found *found, bool sealed)
{
    int fd = openat(file->directory, found->name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 ? -errno : look_at_bytes(found, fd);
    if (fd >= 0)
        close(fd);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        snprintf(found->why, sizeof found->why, "%s",
                 rc == -EISDIR || rc == -ELOOP || rc == -ENXIO ? "it is no regular file" : strerror(-rc));
    else if (found->kind == NW__FOUND_DATABASE)
        rc = look_at_database(file, found, sealed);
    if (found->kind != NW__FOUND_OLD_JOURNAL)
        return rc;
    struct nw__old_journal journal = nw__old_read_journal(found->journal.data, found->journal.length, NULL, NULL);
    found->whole = journal.whole;
    found->change = journal.last;
    return rc;
}

void nw__found_fini(struct nw__found *found)
{
    nw__database_close(&found->database);
    nw_buffer_fini(&found->journal);
}
