/* Reads files into memory, within a limit. */
#include "deploy/file/file.h"
#include "deploy/base/say.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536UL

_Noreturn static void cannot(const char *name, int error)
{
    nw_fail(NW_EXIT_SYSTEM, "cannot read %s: %s", name, strerror(error));
}

static void check_size(const char *name, size_t size)
{
    if (size > NW_FILE_MAX)
        nw_fail(NW_EXIT_SYSTEM, "cannot read %s: it is larger than %lu MiB", name, NW_FILE_MAX >> 20);
}

static void read_all(int fd, const char *name, struct nw_buffer *to)
{
    size_t size = 0;
    ssize_t n;

    for (;;) {
        if (nw_buffer_reserve(to, CHUNK) < 0)
            cannot(name, ENOMEM);
        n = read(fd, to->data + to->length, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            cannot(name, errno);
        if (n == 0)
            return;
        to->length += (size_t)n;
        size += (size_t)n;
        check_size(name, size);
    }
}

void nw_file_read(const char *path, struct nw_buffer *to)
{
    struct stat st;
    /* Without waiting for a writer, should it be a pipe. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) != 0)
        cannot(path, errno);
    if (!S_ISREG(st.st_mode))
        nw_fail(NW_EXIT_SYSTEM, "cannot read %s: it is not a regular file", path);
    check_size(path, (size_t)st.st_size);
    read_all(fd, path, to);
    close(fd);
}

void nw_file_read_stdin(struct nw_buffer *to)
{
    read_all(STDIN_FILENO, "standard input", to);
}
