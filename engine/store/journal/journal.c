/* See journal.h. Which records count is decided in recover.c. */
#include "engine/store/journal/journal.h"
#include "common/base/log.h"
#include "common/host/error_text.h"
#include "engine/store/journal/recover.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (1ul << 20)

static int write_at(int fd, const char *data, size_t length, uint64_t at)
{
    while (length) {
        ssize_t n = pwrite(fd, data, length, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        at += (uint64_t)n;
        length -= (size_t)n;
    }
    return 0;
}

static int read_at(int fd, char *data, size_t length, uint64_t at)
{
    while (length) {
        ssize_t n = pread(fd, data, length, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EBADMSG;
        data += n;
        at += (uint64_t)n;
        length -= (size_t)n;
    }
    return 0;
}

static int make_temporary(const struct nw_journal *journal)
{
    unlinkat(journal->directory, NW_JOURNAL_TEMPORARY, 0);
    int fd = openat(journal->directory, NW_JOURNAL_TEMPORARY, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* Closes the temporary file, if it could be made, and removes it. */
static void give_up_temporary(const struct nw_journal *journal, int fd)
{
    if (fd < 0)
        return;
    close(fd);
    unlinkat(journal->directory, NW_JOURNAL_TEMPORARY, 0);
}

/* Gives the temporary file another name. 0 or negative errno. */
static int name_temporary(const struct nw_journal *journal, const char *name)
{
    return renameat(journal->directory, NW_JOURNAL_TEMPORARY, journal->directory, name) < 0 ? -errno : 0;
}

/* Closes a descriptor, if there is one, and puts another in its place. */
static void replace(int *fd, int by)
{
    if (*fd >= 0)
        close(*fd);
    *fd = by;
}

/* --- the copy --- */

static int copy_range(const struct nw_journal *journal, int to, uint64_t at)
{
    struct nw_buffer piece = {0};
    int rc = nw_buffer_reserve(&piece, PIECE);
    for (size_t n; !rc && at < journal->synced; at += n) {
        n = journal->synced - at < PIECE ? (size_t)(journal->synced - at) : PIECE;
        rc = read_at(journal->fd, piece.data, n, at);
        if (!rc)
            rc = write_at(to, piece.data, n, at);
    }
    nw_buffer_fini(&piece);
    return rc;
}

static int make_copy(struct nw_journal *journal)
{
    int fd = make_temporary(journal), rc = fd < 0 ? fd : copy_range(journal, fd, 0);
    if (!rc)
        rc = fsync(fd) < 0 ? -errno : name_temporary(journal, NW_JOURNAL_COPY);
    if (!rc)
        replace(&journal->copy, fd);
    else
        give_up_temporary(journal, fd);
    return rc;
}

static bool copy_is_there(const struct nw_journal *journal)
{
    struct stat st;
    return journal->copy >= 0 && fstat(journal->copy, &st) == 0 && st.st_nlink &&
           (uint64_t)st.st_size == journal->copied;
}

void nw_journal_keep_copy(struct nw_journal *journal)
{
    char text[NW_ERROR_TEXT];
    if (journal->broken)
        return;
    bool anew = !journal->copied || !copy_is_there(journal);
    int rc = anew ? make_copy(journal) : copy_range(journal, journal->copy, journal->copied);
    if (!rc)
        journal->copied = journal->synced;
    else if (!anew)
        journal->copied = 0;
    if (rc < 0)
        nw_log(NW_LOG_WARN, "cannot copy %s/" NW_JOURNAL_NAME " to " NW_JOURNAL_COPY ": %s", journal->path,
               nw_error_text(-rc, text));
}

/* --- opening --- */

int nw_journal_open(struct nw_journal *journal, const char *directory, bool has_code, nw_journal_each *each, void *arg,
                    char *why, size_t why_size)
{
    *journal = (struct nw_journal){.directory = -1, .fd = -1, .copy = -1, .naming = PTHREAD_MUTEX_INITIALIZER};
    snprintf(journal->path, sizeof journal->path, "%s", directory);
    journal->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->directory < 0) {
        snprintf(why, why_size, "cannot open %s: %s", directory, strerror(errno));
        return -EIO;
    }
    return nw__journal_recover(journal, has_code, each, arg, why, why_size);
}

void nw_journal_close(struct nw_journal *journal)
{
    const int fds[] = {journal->directory, journal->fd, journal->copy};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    nw_buffer_fini(&journal->image);
}

bool nw_journal_is_there(struct nw_journal *journal)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof path, "%s/" NW_JOURNAL_NAME, journal->path);
    pthread_mutex_lock(&journal->naming);
    bool is = stat(path, &st) == 0 && st.st_dev == journal->device && st.st_ino == journal->inode;
    pthread_mutex_unlock(&journal->naming);
    return is;
}

/* --- appending --- */

int nw_journal_add(struct nw_journal *journal, struct nw_buffer *to, struct nw_record record)
{
    record.number = journal->number + 1;
    int rc = nw_record_append(to, &record);
    journal->number += rc == 0;
    return rc;
}

static int cannot_write(int error, char *why, size_t why_size)
{
    char text[NW_ERROR_TEXT];
    snprintf(why, why_size, "cannot write to the registry: %s", nw_error_text(error, text));
    return -EIO;
}

static int explain(int rc, char *why, size_t why_size)
{
    if (rc == -ESTALE)
        snprintf(why, why_size, "the registry was deleted or moved while it was in use; what runs goes on");
    else if (rc == -EBADMSG)
        snprintf(why, why_size,
                 "the registry was damaged while it was in use; what runs goes on. Start Nightward again: it then "
                 "takes what is whole in it and in its copy, " NW_JOURNAL_COPY);
    else
        cannot_write(-rc, why, why_size);
    return -EIO;
}

/* Refuses to write to a file that somebody else has changed or moved: what he writes, or we, would be lost. */
static int check_in_use(struct nw_journal *journal)
{
    struct stat st;
    if (!nw_journal_is_there(journal))
        return -ESTALE;
    return fstat(journal->fd, &st) == 0 && (uint64_t)st.st_size == journal->length ? 0 : -EBADMSG;
}

int nw_journal_append(struct nw_journal *journal, const struct nw_buffer *records, char *why, size_t why_size)
{
    int rc = check_in_use(journal);
    if (rc < 0) {
        journal->broken = true; /* these records took numbers, and a gap would look like a loss */
        return explain(rc, why, why_size);
    }
    rc = write_at(journal->fd, records->data, records->length, journal->length);
    if (rc < 0) {
        nw_journal_take_back(journal, journal->length);
        return explain(rc, why, why_size);
    }
    journal->length += records->length;
    return 0;
}

/* The records that are cut off took numbers, and a gap would look like a loss: so the journal must be written anew. */
void nw_journal_take_back(struct nw_journal *journal, uint64_t length)
{
    journal->broken = true;
    if (ftruncate(journal->fd, (off_t)length) == 0)
        journal->length = length;
}

int nw_journal_sync(struct nw_journal *journal, uint64_t length, char *why, size_t why_size)
{
    if (fdatasync(journal->fd) < 0)
        return cannot_write(errno, why, why_size);
    journal->synced = length;
    return 0;
}

/* --- reading --- */

int nw_journal_read(const struct nw_journal *journal, struct nw_journal_place place, struct nw_buffer *bytes,
                    struct nw_record *record)
{
    bytes->length = 0;
    int rc = nw_buffer_reserve(bytes, place.length);
    if (!rc && journal->image.data)
        memcpy(bytes->data, journal->image.data + place.at, place.length);
    else if (!rc)
        rc = read_at(journal->fd, bytes->data, place.length, place.at);
    if (!rc)
        bytes->length = place.length;
    return rc ? rc : nw_record_read(bytes->data, bytes->length, record) == place.length ? 0 : -EBADMSG;
}

/* --- writing anew --- */

static void flush(struct nw_journal_rewrite *rewrite)
{
    if (!rewrite->error)
        rewrite->error = write_at(rewrite->fd, rewrite->out.data, rewrite->out.length, rewrite->length);
    rewrite->length += rewrite->out.length;
    rewrite->out.length = 0;
}

void nw_journal_rewrite_add(struct nw_journal_rewrite *rewrite, struct nw_record record)
{
    record.number = rewrite->number + 1;
    int rc = nw_record_append(&rewrite->out, &record);
    if (rc < 0)
        rewrite->error = rc;
    else
        rewrite->number++;
    if (rewrite->out.length >= PIECE)
        flush(rewrite);
}

void nw_journal_rewrite_begin(struct nw_journal_rewrite *rewrite, struct nw_journal *journal)
{
    *rewrite = (struct nw_journal_rewrite){.journal = journal, .number = journal->number};
    bool moved = journal->fd >= 0 && !nw_journal_is_there(journal);
    rewrite->fd = moved ? -ESTALE : make_temporary(journal);
    if (rewrite->fd < 0)
        rewrite->error = rewrite->fd;
    nw_journal_rewrite_add(rewrite, (struct nw_record){.kind = NW_RECORD_BEGIN});
}

void nw_journal_rewrite_keep(struct nw_journal_rewrite *rewrite, struct nw_journal_place from,
                             struct nw_journal_place *to)
{
    struct nw_buffer bytes = {0};
    struct nw_record record;
    int rc = rewrite->error ? rewrite->error : nw_journal_read(rewrite->journal, from, &bytes, &record);
    *to = (struct nw_journal_place){rewrite->length + rewrite->out.length, from.length};
    if (rc == 0)
        nw_journal_rewrite_add(rewrite, record);
    else
        rewrite->error = rc;
    nw_buffer_fini(&bytes);
}

/* Gives the new file the journal's name. Nobody ever finds that name without a journal. 0 or negative errno. */
static int take_name(const struct nw_journal_rewrite *rewrite)
{
    struct nw_journal *journal = rewrite->journal;
    struct stat st;
    if (fsync(rewrite->fd) < 0 || fstat(rewrite->fd, &st) < 0)
        return -errno;
    pthread_mutex_lock(&journal->naming);
    int rc = name_temporary(journal, NW_JOURNAL_NAME);
    if (!rc) {
        journal->device = st.st_dev;
        journal->inode = st.st_ino;
    }
    pthread_mutex_unlock(&journal->naming);
    return rc;
}

/* Uses the new file from now on. */
static void adopt(struct nw_journal_rewrite *rewrite)
{
    struct nw_journal *journal = rewrite->journal;
    replace(&journal->fd, rewrite->fd);
    journal->length = journal->synced = rewrite->length;
    journal->number = rewrite->number;
    journal->copied = 0;
    nw_buffer_fini(&journal->image);
}

int nw_journal_rewrite_end(struct nw_journal_rewrite *rewrite, char *why, size_t why_size)
{
    struct nw_journal *journal = rewrite->journal;
    flush(rewrite);
    nw_buffer_fini(&rewrite->out);
    if (!rewrite->error)
        rewrite->error = take_name(rewrite);
    if (!rewrite->error) {
        adopt(rewrite);
        journal->broken = fsync(journal->directory) < 0;
        nw_journal_keep_copy(journal);
        return 0;
    }
    give_up_temporary(journal, rewrite->fd);
    return explain(rewrite->error, why, why_size);
}
