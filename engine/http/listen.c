/* The sockets of listen.h. */
#include "engine/http/listen.h"
#include "common/base/log.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

/* Splits at the last colon; brackets around the address are taken off. */
static int split(const char *text, char *host, size_t size, const char **port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !colon[1])
        return -EINVAL;
    size_t length = (size_t)(colon - text);
    if (*text == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return -EINVAL;
    }
    if (!length || length >= size)
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    *port = colon + 1;
    return 0;
}

static void append_name(int fd, struct nw_buffer *addresses)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char host[64], port[16];
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return;
    nw_buffer_printf(addresses, address.ss_family == AF_INET6 ? "[%s]:%s\n" : "%s:%s\n", host, port);
}

static int open_tcp(const struct addrinfo *info, bool shared)
{
    const int on = 1;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if ((shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
        bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* Sockets of several threads share the port (SO_REUSEPORT), and would share it with another engine, too. So the port is
 * first bound once without sharing, which fails unless it is free. */
static int open_shared(const struct addrinfo *info, bool first)
{
    int trial = first ? open_tcp(info, false) : 0;
    if (trial < 0)
        return trial;
    if (first)
        close(trial);
    return open_tcp(info, true);
}

int nw_listen_tcp(const char *text, enum nw_listen_how how, struct nw_buffer *addresses)
{
    char host[64];
    const char *port;
    struct addrinfo *info;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    if (split(text, host, sizeof host, &port) < 0 || getaddrinfo(host, port, &hints, &info))
        nw_die_usage("--listen: \"%s\" is not an address; give 127.0.0.1:8080 or [::1]:8080", text);
    int fd = how == NW_LISTEN_ALONE ? open_tcp(info, false) : open_shared(info, how == NW_LISTEN_FIRST);
    freeaddrinfo(info);
    if (fd == -EADDRINUSE)
        nw_die_system("cannot listen on %s: the port is in use; stop what serves there or choose another", text);
    if (fd < 0)
        nw_die_system("cannot listen on %s: %s", text, strerror(-fd));
    append_name(fd, addresses);
    return fd;
}

void nw_listen_adopt(int fd, const char *text, struct nw_buffer *addresses)
{
    size_t before = addresses->length, length = strlen(text);
    int listens = 0;
    socklen_t size = sizeof listens;
    append_name(fd, addresses);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 || !listens ||
        addresses->length != before + length + 1 || memcmp(addresses->data + before, text, length) != 0)
        nw_die_usage("the supervisor sent a socket that does not listen on %s", text);
}

int nw_listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        nw_die_system("cannot listen on %s: a socket's path may have %zu bytes; choose a shorter state directory", path,
                      sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t mask = umask(0177);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        nw_die_system("cannot listen on %s: %s", path, strerror(errno));
    umask(mask);
    return fd;
}
