/* See access.h. */
#include "engine/logs/access.h"
#include "common/base/atomic.h"
#include "common/base/buffer.h"
#include "common/base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST       (1ul << 20) /* bytes that wait while the last are being written */
#define PIPE_BYTES 4096 /* go into a pipe whole (PIPE_BUF), so that lines of other threads do not mix with them */
#define PATIENCE   1000 /* ms that a pipe may be full */

struct nw_access {
    struct nw_io *io;
    const char *path;
    struct nw_buffer coming;
    uint64_t lost; /* lines since the last was written */
    /* The thread's, while one is under way. */
    bool busy;
    int fd;
    bool is_file;
    uint32_t turn; /* how often files had been turned when it was opened */
    struct nw_buffer writing;
    int error;
    bool complained;
};

static uint32_t turns; /* see nw_access_reopen */

static int open_path(struct nw_access *access)
{
    struct stat st;
    int fd = !strcmp(access->path, "-")
                 ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
                 : open(access->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0)
        return -errno;
    if (access->fd >= 0)
        close(access->fd);
    access->fd = fd;
    access->is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    return 0;
}

struct nw_access *nw_access_new(struct nw_io *io, const char *path)
{
    struct nw_access *access = calloc(1, sizeof *access);
    if (!access)
        return NULL;
    *access = (struct nw_access){.io = io, .path = path, .fd = -1, .turn = nw_load_relaxed(&turns)};
    int rc = open_path(access);
    if (rc == 0)
        return access;
    free(access);
    errno = -rc;
    return NULL;
}

void nw_access_reopen(void)
{
    nw_add_fetch(&turns, 1u); /* loaded by threads that are about to write */
}

/* Says how many lines are missing in front of those that come. */
static void say_lost(struct nw_access *access)
{
    const char *line = nw_log_format() == NW_LOG_JSON ? "{\"lost\":%llu}\n" : "lost=%llu\n";
    char text[48];
    int length = snprintf(text, sizeof text, line, (unsigned long long)access->lost);
    if (access->lost && nw_buffer_append(&access->coming, text, (size_t)length) == 0)
        access->lost = 0;
}

void nw_access_add(struct nw_access *access, const char *line, size_t length)
{
    if (access->coming.length + length > MOST) {
        access->lost++;
        return;
    }
    say_lost(access);
    if (nw_buffer_append(&access->coming, line, length) < 0)
        access->lost++;
}

/* --- on a thread of its own --- */

/* Whole lines of at most PIPE_BYTES, of which the longest has fewer. */
static size_t next_piece(const struct nw_access *access, const char *at, size_t left)
{
    const char *end = left > PIPE_BYTES ? memrchr(at, '\n', PIPE_BYTES) : NULL;
    return access->is_file || !end ? left : (size_t)(end - at) + 1;
}

static int write_piece(const struct nw_access *access, const char *at, size_t length)
{
    struct pollfd ready = {.fd = access->fd, .events = POLLOUT};
    while (length) {
        if (!access->is_file && poll(&ready, 1, PATIENCE) != 1)
            return -EAGAIN;
        ssize_t n = write(access->fd, at, length);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static void work(void *arg)
{
    struct nw_access *access = arg;
    uint32_t now = nw_load_relaxed(&turns); /* added to by nw_access_reopen */
    access->error = now != access->turn ? open_path(access) : 0;
    access->turn = now;
    size_t at = 0, piece;
    for (; at < access->writing.length && !access->error; at += piece) {
        piece = next_piece(access, access->writing.data + at, access->writing.length - at);
        access->error = write_piece(access, access->writing.data + at, piece);
    }
}

/* --- the loop --- */

static uint64_t lines_in(const struct nw_buffer *text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text->length; i++)
        n += text->data[i] == '\n';
    return n;
}

static void done(void *arg)
{
    struct nw_access *access = arg;
    access->busy = false;
    if (access->error && !access->complained)
        nw_log(NW_LOG_WARN, "the access log %s cannot be written: %s; its lines are lost, requests go on", access->path,
               strerror(-access->error));
    access->complained = access->error;
    access->lost += access->error ? lines_in(&access->writing) : 0;
    access->writing.length = 0;
}

static void take(struct nw_access *access)
{
    struct nw_buffer empty = access->writing;
    say_lost(access);
    access->writing = access->coming;
    access->coming = empty;
}

void nw_access_tick(struct nw_access *access)
{
    if (access->busy || (!access->coming.length && access->turn == nw_load_relaxed(&turns))) /* see nw_access_reopen */
        return;
    take(access);
    access->busy = nw_io_offload(access->io, work, done, access) == 0;
    if (access->busy)
        return;
    access->error = -EAGAIN;
    done(access);
}

void nw_access_free(struct nw_access *access)
{
    if (!access)
        return;
    take(access);
    work(access);
    nw_buffer_fini(&access->coming);
    nw_buffer_fini(&access->writing);
    close(access->fd);
    free(access);
}
