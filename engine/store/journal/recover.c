/*
 * What counts of the journal and its copy. A journal that is whole counts as it is; one record behind the last whole
 * one that was not written to its end was never reported as done, and is cut off. It is not whole when it does not
 * begin with a BEGIN record, when anything else stands between two records, when more than one is not whole at its
 * end, when a number is lacking, or when the copy has later ones. Then the records of both files are put together in
 * the order of their numbers, and the journal is written anew.
 */
#include "engine/store/journal/recover.h"
#include "engine/store/journal/old.h"
#include "engine/store/journal/set_aside.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One of the two files: what was found under its name, and what of it is whole. */
struct file {
    const char *name;
    enum { NOTHING, EMPTY, BYTES } found;
    bool old;    /* it was an SQLite database, and is records now */
    bool whole;  /* records without a gap, from a BEGIN at its front */
    size_t good; /* bytes up to the end of the last record */
    uint64_t last;
    size_t n; /* records */
    struct nw_buffer bytes;
    char why[256]; /* not whole: why */
};

struct found {
    uint64_t number;
    const char *data;
    size_t length;
    bool begins;
};

/* --- reading a file --- */

static int read_all(int fd, struct nw_buffer *bytes)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    int rc = nw_buffer_reserve(bytes, (size_t)st.st_size + 1);
    while (!rc) {
        ssize_t n = read(fd, bytes->data + bytes->length, bytes->capacity - bytes->length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        bytes->length += (size_t)n;
        rc = nw_buffer_reserve(bytes, 1);
    }
    return rc;
}

static void scan(struct file *file)
{
    struct nw_record record;
    size_t at = 0, length;
    snprintf(file->why, sizeof file->why, "it is not what was written");
    while ((length = nw_record_find(file->bytes.data, file->bytes.length, &at, &record))) {
        bool follows = file->n ? record.number == file->last + 1 : record.kind == NW_RECORD_BEGIN;
        file->whole = (file->n ? file->whole : true) && follows && at == file->good;
        file->n++;
        file->last = record.number;
        at += length;
        file->good = at;
    }
    file->whole &= nw_record_may_be_cut(file->bytes.data + file->good, file->bytes.length - file->good);
}

static int convert(const struct nw_journal *journal, struct file *file, bool sealed)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", journal->path, file->name);
    nw_buffer_fini(&file->bytes);
    file->old = true;
    int rc = nw__old_read(path, sealed, &file->bytes, file->why, sizeof file->why);
    file->whole = rc == 0;
    return rc == -EBADMSG ? 0 : rc;
}

/* Reads a file. 0, also when there is none; negative errno when it is there and cannot be read. */
static int look(const struct nw_journal *journal, struct file *file, bool sealed)
{
    struct stat st;
    int fd = openat(journal->directory, file->name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int rc = fstat(fd, &st) < 0 ? -errno : !S_ISREG(st.st_mode) ? -EISDIR : read_all(fd, &file->bytes);
    close(fd);
    if (rc < 0)
        return rc;
    file->found = file->bytes.length ? BYTES : EMPTY;
    if (nw__old_is(file->bytes.data, file->bytes.length) && (rc = convert(journal, file, sealed)) < 0)
        return rc;
    bool converted = file->old && file->whole;
    if (!file->old || converted)
        scan(file);
    return 0;
}

/* --- putting both together --- */

static size_t collect(const struct file *file, struct found *found)
{
    struct nw_record record;
    size_t at = 0, length, n = 0;
    while ((length = nw_record_find(file->bytes.data, file->bytes.length, &at, &record))) {
        found[n++] = (struct found){record.number, file->bytes.data + at, length, record.kind == NW_RECORD_BEGIN};
        at += length;
    }
    return n;
}

static int by_number(const void *a, const void *b)
{
    const struct found *one = a, *other = b;
    return one->number < other->number ? -1 : one->number > other->number;
}

/* Appends each number once. When no number is lacking behind the last BEGIN, only what stands from there on: it
 * replaces everything before it. Otherwise all, since older records are better than none. */
static int put_in_order(const struct found *found, size_t n, struct nw_buffer *image)
{
    size_t first = 0;
    bool complete = false;
    for (size_t i = 0; i < n; i++) {
        complete = found[i].begins || (complete && i && found[i].number - found[i - 1].number <= 1);
        if (found[i].begins)
            first = i;
    }
    for (size_t i = complete ? first : 0; i < n; i++) {
        if (i && found[i].number == found[i - 1].number)
            continue;
        int rc = nw_buffer_append(image, found[i].data, found[i].length);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int put_together(struct nw_journal *journal, const struct file *file, const struct file *copy)
{
    struct found *found = calloc(file->n + copy->n + 1, sizeof *found);
    if (!found)
        return -ENOMEM;
    size_t n = collect(file, found);
    n += collect(copy, found + n);
    qsort(found, n, sizeof *found, by_number);
    int rc = put_in_order(found, n, &journal->image);
    journal->number = n ? found[n - 1].number : 0;
    free(found);
    return rc;
}

/* --- what it means --- */

static int cannot_use(const struct nw_journal *journal, const char *name, int rc, char *why, size_t why_size)
{
    const char *reason = rc == -EISDIR || rc == -ELOOP || rc == -ENXIO ? "it is no regular file" : strerror(-rc);
    snprintf(why, why_size,
             "cannot open the registry %s/%s: %s; nothing was changed or deleted. Make it a file that this user may "
             "read and write, or move it elsewhere: the next start then goes on without it, with what %s has",
             journal->path, name, reason,
             strcmp(name, NW_JOURNAL_NAME) ? NW_JOURNAL_NAME : "its last good copy, " NW_JOURNAL_COPY ",");
    return -EIO;
}

static void notice(struct nw_journal *journal, const struct file *file, const char *as)
{
    char what[300], kept[96] = "";
    snprintf(what, sizeof what, "is damaged (%s)", file->why);
    if (*as)
        snprintf(kept, sizeof kept, " (what was found is kept as %s)", as);
    const char *state = file->found == BYTES ? what : file->found == EMPTY ? "is empty" : "is missing";
    if (journal->image.length)
        snprintf(journal->notice, sizeof journal->notice,
                 "the registry %s%s: what is whole in it and in its last good copy, " NW_JOURNAL_COPY
                 ", is served; deploy again what `nightward list` lacks",
                 state, kept);
    else
        snprintf(journal->notice, sizeof journal->notice,
                 "the registry %s%s, and there is no good copy of it: nothing is deployed. All code is still in the "
                 "directory store; deploy each function again (nightward deploy NAME FILE.so)",
                 state, kept);
}

/* No damaged file is deleted: the journal stays under a second name, and a copy without a whole record is renamed. */
static int recover(struct nw_journal *journal, const struct file *file, const struct file *copy, char *why,
                   size_t why_size)
{
    char as[64] = "", copy_as[64];
    int rc = put_together(journal, file, copy);
    if (!rc && file->found == BYTES)
        rc = nw_set_aside_keep(journal->directory, file->name, as, sizeof as);
    if (!rc && copy->found == BYTES && !copy->n)
        rc = nw_set_aside(journal->directory, copy->name, copy_as, sizeof copy_as);
    if (rc < 0)
        return cannot_use(journal, file->name, rc, why, why_size);
    journal->recovered = true;
    notice(journal, file, as);
    return 1;
}

/* A whole journal is used as it is. Its copy is used if it is the beginning of the journal, and else made anew. */
static int use(struct nw_journal *journal, struct file *file, const struct file *copy, char *why, size_t why_size)
{
    struct stat st;
    bool same = copy->found == BYTES && !copy->old && copy->bytes.length <= file->good &&
                !memcmp(copy->bytes.data, file->bytes.data, copy->bytes.length);
    journal->fd = openat(journal->directory, file->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (journal->fd < 0 || fstat(journal->fd, &st) < 0 ||
        (file->good < file->bytes.length && ftruncate(journal->fd, (off_t)file->good) < 0))
        return cannot_use(journal, file->name, -errno, why, why_size);
    if (same)
        journal->copy = openat(journal->directory, copy->name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    journal->copied = journal->copy >= 0 ? copy->bytes.length : 0;
    journal->device = st.st_dev;
    journal->inode = st.st_ino;
    journal->length = file->good;
    journal->number = file->last;
    return 0;
}

static int choose(struct nw_journal *journal, struct file *file, struct file *copy, bool has_code, char *why,
                  size_t why_size)
{
    bool fresh = file->found == NOTHING && copy->found == NOTHING && !has_code;
    if (fresh || (file->whole && file->old)) {
        journal->image = file->bytes;
        journal->number = file->last;
        file->bytes = (struct nw_buffer){0};
        return 1;
    }
    if (file->whole && (copy->old || copy->last <= file->last))
        return use(journal, file, copy, why, why_size);
    return recover(journal, file, copy, why, why_size);
}

/* Calls back for records that follow one another; all were found whole before. */
static void tell(const struct nw_buffer *bytes, size_t length, nw_journal_each *each, void *arg)
{
    struct nw_record record;
    size_t at = 0, whole;
    for (; at < length && (whole = nw_record_read_again(bytes->data + at, length - at, &record)); at += whole)
        each(arg, &record, (struct nw_journal_place){at, (uint32_t)whole});
}

int nw__journal_recover(struct nw_journal *journal, bool has_code, nw_journal_each *each, void *arg, char *why,
                        size_t why_size)
{
    struct file file = {.name = NW_JOURNAL_NAME}, copy = {.name = NW_JOURNAL_COPY};
    bool has_copy = faccessat(journal->directory, copy.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    int rc = look(journal, &file, has_copy), copy_rc = look(journal, &copy, true);
    if (rc < 0)
        rc = cannot_use(journal, file.name, rc, why, why_size);
    else if (copy_rc < 0 && !file.whole)
        rc = cannot_use(journal, copy.name, copy_rc, why, why_size);
    else
        rc = choose(journal, &file, &copy, has_code, why, why_size);
    if (rc == 1)
        tell(&journal->image, journal->image.length, each, arg);
    else if (rc == 0)
        tell(&file.bytes, file.good, each, arg);
    nw_buffer_fini(&file.bytes);
    nw_buffer_fini(&copy.bytes);
    return rc;
}
