/* See ring.h. */
#include "engine/logs/ring.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_FORMAT "nightward log %020" PRIu64 "\n"
#define HEAD_LENGTH 35
#define CHUNK       (256ul << 10) /* read at a time; a longer line is none */
#define PAGE_BYTES  (256ul << 10) /* of lines that are found */
#define LOOK_BYTES  (4ul << 20)   /* read for one page */

struct segment {
    int fd; /* or -1: there is none */
    uint64_t start, length;
};

static void old_name(char old[NW_NAME_MAX + 2], const char *name)
{
    snprintf(old, NW_NAME_MAX + 2, "%.*s~", NW_NAME_MAX, name);
}

static void segment_close(struct segment *segment)
{
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
}

static void write_head(char head[HEAD_LENGTH + 1], uint64_t start)
{
    snprintf(head, HEAD_LENGTH + 1, HEAD_FORMAT, start);
}

/* Opens a file that begins as one should; others count as absent. */
static struct segment segment_open(int directory, const char *name, int flags)
{
    struct segment segment = {.fd = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    char head[HEAD_LENGTH + 1] = "", same[HEAD_LENGTH + 1];
    struct stat st;
    if (segment.fd < 0)
        return segment;
    bool good = fstat(segment.fd, &st) == 0 && S_ISREG(st.st_mode) &&
                pread(segment.fd, head, HEAD_LENGTH, 0) == HEAD_LENGTH &&
                sscanf(head, "nightward log %20" SCNu64, &segment.start) == 1;
    write_head(same, segment.start);
    if (!good || memcmp(head, same, HEAD_LENGTH) || segment.start > UINT64_MAX / 2) {
        segment_close(&segment);
        return segment;
    }
    segment.length = (uint64_t)st.st_size;
    return segment;
}

/* Where the next segment begins. */
static uint64_t end_of(int directory, const char *name)
{
    struct segment segment = segment_open(directory, name, O_RDONLY);
    uint64_t end = segment.fd >= 0 ? segment.start + segment.length : 0;
    segment_close(&segment);
    return end;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

/* What is behind the last newline was cut off by a kill: the next line must not go on from there. */
static int end_line(const struct segment *segment)
{
    char last = 0;
    if (pread(segment->fd, &last, 1, (off_t)segment->length - 1) != 1)
        return -EIO;
    return last == '\n' ? 0 : write_all(segment->fd, "\n", 1);
}

/* A file that is not one of ours goes. */
static struct segment segment_make(int directory, const char *name, uint64_t start, int *error)
{
    char head[HEAD_LENGTH + 1];
    unlinkat(directory, name, 0);
    struct segment segment = {.fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600),
                              .start = start};
    *error = segment.fd < 0 ? -errno : 0;
    if (*error)
        return segment;
    write_head(head, start);
    *error = write_all(segment.fd, head, HEAD_LENGTH);
    segment.length = HEAD_LENGTH;
    if (!*error)
        return segment;
    segment_close(&segment);
    unlinkat(directory, name, 0);
    return segment;
}

static uint64_t size_of(int directory, const char *name)
{
    struct stat st;
    return fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
}

/* The segment to write to, turned when it is full. */
static struct segment segment_for(int directory, const char *name, size_t length, uint64_t size, int64_t *grown,
                                  int *error)
{
    char old[NW_NAME_MAX + 2];
    struct segment segment = segment_open(directory, name, O_RDWR | O_APPEND);
    old_name(old, name);
    *error = 0;
    if (segment.fd >= 0 && (segment.length + length <= size / 2 || segment.length == HEAD_LENGTH))
        return segment;
    uint64_t start = segment.fd >= 0 ? segment.start + segment.length : end_of(directory, old);
    if (segment.fd >= 0) {
        segment_close(&segment);
        *grown -= (int64_t)size_of(directory, old);
        if (renameat(directory, name, directory, old) < 0)
            *error = -errno;
    } else {
        *grown -= (int64_t)size_of(directory, name);
    }
    if (!*error)
        segment = segment_make(directory, name, start, error);
    *grown += *error ? 0 : HEAD_LENGTH;
    return segment;
}

int nw__log_ring_add(int directory, const char *name, const char *lines, size_t length, uint64_t size, int64_t *grown)
{
    int error;
    *grown = 0;
    struct segment segment = segment_for(directory, name, length, size, grown, &error);
    if (error)
        return error;
    error = end_line(&segment);
    if (!error)
        error = write_all(segment.fd, lines, length);
    /* A part of it, as of a full disk, is taken back; where that fails it is a line that is not whole. */
    if (error && ftruncate(segment.fd, (off_t)segment.length) == 0)
        length = 0;
    *grown += (int64_t)length;
    segment_close(&segment);
    return error;
}

/* --- reading --- */

struct look {
    const struct nw_log_query *query;
    struct nw_log_page *page;
    size_t read; /* so far */
    char *chunk;
};

static bool is_full(const struct look *look)
{
    return look->page->n >= look->query->most || look->page->lines.length >= PAGE_BYTES || look->read >= LOOK_BYTES;
}

static int take_line(struct look *look, const char *line, size_t length)
{
    struct nw_log_page *page = look->page;
    if (!nw__log_line_is_whole(line, length) ||
        !nw__log_line_fits(line, length, look->query->since, look->query->request))
        return 0;
    size_t before = page->lines.length;
    int rc = before ? nw_buffer_append(&page->lines, ",", 1) : 0;
    rc |= nw_buffer_append(&page->lines, line, length);
    if (rc)
        page->lines.length = before;
    page->n += !rc;
    return rc ? -ENOMEM : 0;
}

/* The lines that are whole in a chunk. Returns how many bytes of it were taken, or -ENOMEM. */
static ssize_t take_lines(struct look *look, size_t length)
{
    size_t at = 0;
    const char *end;
    while (!is_full(look) && (end = memchr(look->chunk + at, '\n', length - at))) {
        size_t line = (size_t)(end - look->chunk) - at;
        if (take_line(look, look->chunk + at, line) < 0)
            return -ENOMEM;
        at += line + 1;
    }
    return (ssize_t)at;
}

/* Goes on in a segment, from page->next, which lies in it or before it. */
static int look_through(struct look *look, const struct segment *segment)
{
    struct nw_log_page *page = look->page;
    uint64_t from = segment->start + HEAD_LENGTH, end = segment->start + segment->length;
    page->next = page->next < from ? from : page->next;
    while (page->next < end && !is_full(look)) {
        ssize_t n = pread(segment->fd, look->chunk, CHUNK, (off_t)(page->next - segment->start));
        if (n <= 0)
            return n < 0 ? -errno : 0;
        ssize_t taken = take_lines(look, (size_t)n);
        look->read += (size_t)n; /* behind it: what was read is looked at */
        if (taken < 0)
            return (int)taken;
        if (!taken && (size_t)n < CHUNK) /* a line that is still being written, or was cut off */
            return 0;
        page->next += taken ? (uint64_t)taken : (uint64_t)n;
    }
    return 0;
}

/* A position inside a line, which nobody was told, is moved to the next one; one behind the end to the beginning. */
static void align(struct look *look, const struct segment *segment)
{
    struct nw_log_page *page = look->page;
    char before = '\n';
    if (page->next <= segment->start + HEAD_LENGTH || page->next > segment->start + segment->length)
        return;
    if (pread(segment->fd, &before, 1, (off_t)(page->next - segment->start - 1)) != 1 || before == '\n')
        return;
    ssize_t n = pread(segment->fd, look->chunk, CHUNK, (off_t)(page->next - segment->start));
    const char *end = n > 0 ? memchr(look->chunk, '\n', (size_t)n) : NULL;
    page->next += end ? (uint64_t)(end - look->chunk) + 1 : n > 0 ? (uint64_t)n : 0;
}

int nw__log_ring_read(int directory, const char *name, const struct nw_log_query *query, struct nw_log_page *page)
{
    char old[NW_NAME_MAX + 2];
    old_name(old, name);
    struct segment segments[] = {segment_open(directory, old, O_RDONLY), segment_open(directory, name, O_RDONLY)};
    struct look look = {.query = query, .page = page, .chunk = malloc(CHUNK)};
    int rc = look.chunk ? 0 : -ENOMEM;
    uint64_t end = 0;
    for (int i = 0; i < 2; i++)
        if (segments[i].fd >= 0)
            end = segments[i].start + segments[i].length;
    page->next = query->after > end ? 0 : query->after;
    for (int i = 0; i < 2; i++) {
        if (!rc && segments[i].fd >= 0) {
            align(&look, &segments[i]);
            rc = look_through(&look, &segments[i]);
        }
        segment_close(&segments[i]);
    }
    page->more = is_full(&look) && page->next < end;
    free(look.chunk);
    return rc;
}

/* --- all of them --- */

void nw__log_ring_remove(int directory, const char *name)
{
    char old[NW_NAME_MAX + 2];
    old_name(old, name);
    unlinkat(directory, old, 0);
    unlinkat(directory, name, 0);
}

struct file {
    char name[NW_NAME_MAX + 2];
    uint64_t size;
    struct timespec written;
};

struct files {
    struct file *files;
    size_t n, room;
    uint64_t size;
};

static void list_one(struct files *all, int directory, const char *name)
{
    struct stat st;
    if (strlen(name) > NW_NAME_MAX + 1 || *name == '.' || fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        !S_ISREG(st.st_mode))
        return;
    if (all->n == all->room) {
        size_t room = all->room ? 2 * all->room : 64;
        struct file *grown = realloc(all->files, room * sizeof *grown);
        if (!grown)
            return;
        all->files = grown;
        all->room = room;
    }
    struct file *file = &all->files[all->n++];
    snprintf(file->name, sizeof file->name, "%.*s", (int)sizeof file->name - 1, name);
    file->size = (uint64_t)st.st_size;
    file->written = st.st_mtim;
    all->size += file->size;
}

static struct files list(int directory)
{
    struct files all = {0};
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *open = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    if (!open && fd >= 0)
        close(fd);
    while (open && (entry = readdir(open)))
        list_one(&all, directory, entry->d_name);
    if (open)
        closedir(open);
    return all;
}

uint64_t nw__log_rings_size(int directory)
{
    struct files all = list(directory);
    free(all.files);
    return all.size;
}

static int by_age(const void *a, const void *b)
{
    const struct file *one = a, *other = b;
    if (one->written.tv_sec != other->written.tv_sec)
        return one->written.tv_sec < other->written.tv_sec ? -1 : 1;
    return (one->written.tv_nsec > other->written.tv_nsec) - (one->written.tv_nsec < other->written.tv_nsec);
}

uint64_t nw__log_rings_trim(int directory, uint64_t most)
{
    struct files all = list(directory);
    if (all.n)
        qsort(all.files, all.n, sizeof *all.files, by_age);
    for (size_t i = 0; i < all.n && all.size > most; i++)
        if (unlinkat(directory, all.files[i].name, 0) == 0)
            all.size -= all.files[i].size;
    free(all.files);
    return all.size;
}
