/* The notification protocol of systemd: one datagram to the socket named by NOTIFY_SOCKET. */
#include "deploy/host/notify.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un manager;
static socklen_t manager_length; /* 0 while nobody listens */

void nw_notify_init(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;

    if (length > 1 && length < sizeof manager.sun_path && (*path == '/' || *path == '@')) {
        manager.sun_family = AF_UNIX;
        memcpy(manager.sun_path, path, length);
        /* '@' stands for the NUL of an abstract name. */
        if (*path == '@')
            manager.sun_path[0] = '\0';
        manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    }
    unsetenv("NOTIFY_SOCKET");
}

void nw__notify(const char *line)
{
    int fd;

    if (manager_length == 0)
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* Nothing depends on the manager's hearing it. */
    (void)!sendto(fd, line, strlen(line), MSG_NOSIGNAL, (const struct sockaddr *)&manager, manager_length);
    close(fd);
}
