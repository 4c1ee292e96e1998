/* See wal.h. The format is that of https://sqlite.org/fileformat2.html#the_write_ahead_log. */
#include "engine/store/database/wal.h"
#include <endian.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define MAGIC     0x377f0682u /* with the lowest bit set: words are big-endian in checksums */
#define PAGE_MOST 65536

/* Integers are big-endian. */
struct head {
    uint32_t magic, version, page, sequence, salt[2], sum[2];
};

struct frame {
    uint32_t page, size; /* of the database in pages, when the frame is the last one of a change; else 0 */
    uint32_t salt[2], sum[2];
};

struct wal {
    int fd;
    struct head head;
    off_t at;        /* of the next frame */
    uint32_t sum[2]; /* of everything before it */
    struct frame frame;
    unsigned char page[PAGE_MOST];
};

static uint32_t word(const struct wal *wal, const unsigned char *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return be32toh(wal->head.magic) & 1 ? be32toh(word) : le32toh(word);
}

static void add(struct wal *wal, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i += 8) {
        wal->sum[0] += word(wal, bytes + i) + wal->sum[1];
        wal->sum[1] += word(wal, bytes + i + 4) + wal->sum[0];
    }
}

static bool sum_is(const struct wal *wal, const uint32_t sum[2])
{
    return be32toh(sum[0]) == wal->sum[0] && be32toh(sum[1]) == wal->sum[1];
}

static bool read_at(const struct wal *wal, void *to, size_t length, off_t at)
{
    return pread(wal->fd, to, length, at) == (ssize_t)length;
}

static bool head_is_right(struct wal *wal)
{
    uint32_t page = be32toh(wal->head.page);
    add(wal, &wal->head, offsetof(struct head, sum));
    return (be32toh(wal->head.magic) & ~1u) == MAGIC && page >= 512 && page <= PAGE_MOST && !(page & (page - 1)) &&
           sum_is(wal, wal->head.sum);
}

/* Reads the next frame, as far as it is in the file to its end. */
static bool next(struct wal *wal)
{
    size_t page = be32toh(wal->head.page);
    unsigned char last;
    off_t at = wal->at, end = at + (off_t)(sizeof wal->frame + page);
    wal->at = end;
    return read_at(wal, &wal->frame, sizeof wal->frame, at) && read_at(wal, &last, 1, end - 1);
}

/* Whether the frame that was read continues what lies before it. */
static bool is_right(struct wal *wal)
{
    size_t page = be32toh(wal->head.page);
    add(wal, &wal->frame, offsetof(struct frame, salt));
    if (!read_at(wal, wal->page, page, wal->at - (off_t)page))
        return false;
    add(wal, wal->page, page);
    return !memcmp(wal->frame.salt, wal->head.salt, sizeof wal->head.salt) && sum_is(wal, wal->frame.sum);
}

/* Whether a frame was written since the log was begun anew, and is not left from before: then both salts were others.
 * One of them may be what is damaged. */
static bool is_of_this_log(const struct wal *wal)
{
    return wal->frame.salt[0] == wal->head.salt[0] || wal->frame.salt[1] == wal->head.salt[1];
}

static enum nw__wal look(struct wal *wal)
{
    bool any, cut = false;
    unsigned ends = 0; /* of changes, from the first frame on that is not right */
    if (!read_at(wal, &wal->head, sizeof wal->head, 0))
        return NW__WAL_WHOLE;
    wal->at = sizeof wal->head;
    if (!head_is_right(wal)) /* it is on the disk before the first frame is written */
        return lseek(wal->fd, 0, SEEK_END) > wal->at ? NW__WAL_DAMAGED : NW__WAL_WHOLE;
    while ((any = next(wal)) && is_right(wal))
        continue;
    for (; any; any = next(wal)) {
        cut |= is_of_this_log(wal);
        ends += is_of_this_log(wal) && wal->frame.size;
    }
    return ends > 1 ? NW__WAL_DAMAGED : cut ? NW__WAL_CUT : NW__WAL_WHOLE;
}

enum nw__wal nw__wal_look(int directory, const char *name)
{
    struct wal wal = {.fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
    if (wal.fd < 0)
        return NW__WAL_WHOLE;
    enum nw__wal is = look(&wal);
    close(wal.fd);
    return is;
}
