/* See state.h. */
#include "common/process/state.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char nw_process_state(int64_t pid)
{
    char path[48], line[512] = "";

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 'X' : 0;
    const ssize_t n = read(fd, line, sizeof line - 1);
    close(fd);
    const char *name_end = n > 0 ? strrchr(line, ')') : NULL; /* the name of a program may contain any character */
    return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}
