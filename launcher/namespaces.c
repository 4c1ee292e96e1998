/* Trying out namespaces and users as namespaces.h tells. What is done inside them is in confine.c and view.c. */
#include "launcher/namespaces.h"
#include "launcher/view.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool works(int flags)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)(flags | SIGCHLD), NULL, NULL, NULL, 0L);
    int status = -1;

    if (pid == 0)
        _exit((flags & CLONE_NEWUSER && nw__namespaces_keep_user(user, group) < 0) ||
              (flags & CLONE_NEWNS && nw__view_make(true) < 0));
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && status == 0;
}

int nw__namespaces_usable(void)
{
    static const int each[] = {CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS};
    int usable = geteuid() == 0 ? 0 : CLONE_NEWUSER;

    if (usable && !works(usable))
        return 0;
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)
        if (works(usable | each[i]))
            usable |= each[i];
    return usable;
}

static int write_file(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, length);
    int error = n == (ssize_t)length ? 0 : -errno;

    if (fd >= 0)
        close(fd);
    return error;
}

static int map_id(const char *path, unsigned id)
{
    char line[48];
    int length = snprintf(line, sizeof line, "%u %u 1\n", id, id);

    return write_file(path, line, (size_t)length);
}

int nw__namespaces_keep_user(uid_t user, gid_t group)
{
    /* The files below are root's while this process is closed. What it is about to start is open again, too. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    /* The kernel's condition for mapping a group without rights outside. */
    int rc = write_file("/proc/self/setgroups", "deny", 4);

    if (rc == 0)
        rc = map_id("/proc/self/gid_map", group);
    return rc < 0 ? rc : map_id("/proc/self/uid_map", user);
}

bool nw__users_usable(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    const uint32_t needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;

    return geteuid() == 0 && syscall(SYS_capget, &header, data) == 0 && (data[0].effective & needed) == needed;
}
