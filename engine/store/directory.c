/*
 * Makes mounts of granted directories. Root can do that in this process. Other users need a user namespace,
 * and so a child process: it shares our descriptors, replaces the one of the directory by the mount, and ends.
 */
#include "engine/store/directory.h"
#include "common/base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Puts a mount of `path` into descriptor `fd`. 0, or negative errno with `fd` unchanged. */
static int replace(int fd, int at, const char *path, int flags, bool writable)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY)};
    int tree = open_tree(at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned)flags), error = 0;
    if (tree < 0)
        return -errno;
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0 || dup3(tree, fd, O_CLOEXEC) < 0)
        error = -errno;
    close(tree);
    return error;
}

/* By path, since in a namespace the kernel makes no mounts of what was opened outside it. The child has only a copy of
 * this thread, so any lock may be held forever in it: it takes none, and runs no exit handlers. */
static int replace_in_namespace(int fd, const char *path, bool writable)
{
    int status = 0;
    pid_t pid =
        (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | CLONE_NEWNS | CLONE_FILES), NULL, NULL, NULL, 0L);
    if (pid == 0)
        _exit(-replace(fd, AT_FDCWD, path, 0, writable));
    if (pid < 0)
        return -errno;
    while (waitpid(pid, &status, __WCLONE) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int nw_directory_open(const char *path, bool writable)
{
    static bool said;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), error = 0;
    if (fd < 0)
        return -1;
    if (replace(fd, fd, "", AT_EMPTY_PATH, writable) < 0)
        error = replace_in_namespace(fd, path, writable);
    if (error && !said)
        nw_log(
            NW_LOG_WARN,
            "directory %s is given to workers as it is, with a way to what lies above it for a worker that was taken "
            "over: %s",
            path, strerror(-error));
    said |= error != 0;
    return fd;
}
