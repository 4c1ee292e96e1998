/* See load_http.h. Blocking sockets with time limits. */
#include "engine/test/e2e/tools/load_http.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define HEADERS_MAX 65536
#define BODY_MAX    (256u << 20)
#define WAIT_S      10

bool load_target_parse(struct load_target *target, const char *address, const char *path)
{
    target->path = path;
    return sscanf(address, "[%63[0-9a-fA-F:]]:%7[0-9]", target->host, target->port) == 2 ||
           sscanf(address, "%63[^:]:%7[0-9]", target->host, target->port) == 2;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_tcp(const struct load_target *target)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    int fd;

    if (getaddrinfo(target->host, target->port, &hints, &found))
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

bool load_connect(struct load_connection *connection, const struct load_target *target)
{
    const struct timeval wait = {.tv_sec = target->patience_s ? target->patience_s : WAIT_S};

    *connection =
        (struct load_connection){.fd = target->unix_path ? connect_unix(target->unix_path) : connect_tcp(target)};
    if (connection->fd < 0)
        return false;
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    return true;
}

void load_close(struct load_connection *connection)
{
    close(connection->fd);
    free(connection->in);
}

static bool send_all(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        length -= (size_t)sent;
    }
    return true;
}

/* Two chunks and the last one, so that a body always spans a seam. */
static bool send_chunks(int fd, const char *body, size_t length)
{
    const size_t halves[] = {length / 2, length - length / 2};
    char size[32];

    for (int i = 0; i < 2; i++) {
        if (!halves[i])
            continue;
        int n = snprintf(size, sizeof size, "%zx\r\n", halves[i]);
        if (!send_all(fd, size, (size_t)n) || !send_all(fd, body, halves[i]) || !send_all(fd, "\r\n", 2))
            return false;
        body += halves[i];
    }
    return send_all(fd, "0\r\n\r\n", 5);
}

bool load_send(struct load_connection *connection, const struct load_target *target, const char *body, size_t length)
{
    char head[512], framing[64];
    int n;

    if (target->chunked)
        snprintf(framing, sizeof framing, "Transfer-Encoding: chunked");
    else
        snprintf(framing, sizeof framing, "Content-Length: %zu", length);
    n = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", target->path, framing);
    if (n < 0 || (size_t)n >= sizeof head || !send_all(connection->fd, head, (size_t)n))
        return false;
    return target->chunked ? send_chunks(connection->fd, body, length) : send_all(connection->fd, body, length);
}

/* Makes room for `wanted` bytes and reads until that many are there. */
static bool receive_until(struct load_connection *connection, size_t wanted)
{
    if (connection->capacity < wanted) {
        char *grown = realloc(connection->in, wanted + 4096);
        if (!grown)
            return false;
        connection->in = grown;
        connection->capacity = wanted + 4096;
    }
    while (connection->have < wanted) {
        ssize_t got =
            recv(connection->fd, connection->in + connection->have, connection->capacity - connection->have, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        connection->have += (size_t)got;
    }
    return true;
}

/* Bytes of the header block with its empty line, or 0 when the connection failed first. */
static size_t receive_headers(struct load_connection *connection)
{
    for (size_t wanted = 1; wanted < HEADERS_MAX; wanted = connection->have + 1) {
        if (!receive_until(connection, wanted))
            return 0;
        const char *end = memmem(connection->in, connection->have, "\r\n\r\n", 4);
        if (end)
            return (size_t)(end - connection->in) + 4;
    }
    return 0;
}

/* The value of a header in a NUL-terminated block, or NULL. */
static const char *header(const char *block, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = strstr(block, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, length) && line[2 + length] == ':')
            return line + 2 + length + 1 + strspn(line + 2 + length + 1, " ");
    return NULL;
}

static bool parse_headers(char *block, size_t length, struct load_response *response)
{
    const char *content_length, *connection;
    unsigned long long body = 0;

    block[length - 2] = '\0';
    content_length = header(block, "Content-Length");
    connection = header(block, "Connection");
    response->close = connection && !strncasecmp(connection, "close", 5);
    if (sscanf(block, "HTTP/1.%*d %d", &response->status) != 1 || !content_length ||
        sscanf(content_length, "%llu", &body) != 1)
        return false;
    response->length = body;
    return body <= BODY_MAX;
}

bool load_receive(struct load_connection *connection, struct load_response *response)
{
    size_t headers, total;

    connection->have -= connection->consumed;
    if (connection->consumed)
        memmove(connection->in, connection->in + connection->consumed, connection->have);
    connection->consumed = 0;
    *response = (struct load_response){0};
    headers = receive_headers(connection);
    if (!headers || !parse_headers(connection->in, headers, response))
        return false;
    total = headers + response->length;
    if (!receive_until(connection, total))
        return false;
    connection->consumed = total;
    response->body = connection->in + headers;
    return true;
}
