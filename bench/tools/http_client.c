/* See http_client.h. */
#include "bench/tools/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct url {
    char host[256], port[8], path[1024];
};

/* A host in brackets is an IPv6 address. */
static int parse_url(struct url *url, const char *text)
{
    const char *rest;
    int length = 0;

    if (strncmp(text, "http://", 7) != 0)
        return -EINVAL;
    rest = text + 7;
    snprintf(url->port, sizeof url->port, "80");
    if (sscanf(rest, "[%255[0-9a-fA-F:]]%n", url->host, &length) < 1 || !length)
        if (sscanf(rest, "%255[^][:/?#]%n", url->host, &length) < 1)
            return -EINVAL;
    rest += length;
    length = 0;
    if (*rest == ':' && (sscanf(rest, ":%7[0-9]%n", url->port, &length) < 1 || !length))
        return -EINVAL;
    rest += length;
    if ((*rest && *rest != '/') || strpbrk(rest, " \r\n#") || strlen(rest) >= sizeof url->path)
        return -EINVAL;
    snprintf(url->path, sizeof url->path, "%s", *rest ? rest : "/");
    return 0;
}

static int write_request(struct nw_http_request *request, const struct url *url, const void *body, size_t size)
{
    char head[2048];
    bool brackets = strchr(url->host, ':');
    int length = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: %s%s%s:%s\r\nContent-Length: %zu\r\n\r\n",
                          url->path, brackets ? "[" : "", url->host, brackets ? "]" : "", url->port, size);

    request->length = (size_t)length + size;
    request->bytes = malloc(request->length);
    if (!request->bytes)
        return -ENOMEM;
    memcpy(request->bytes, head, (size_t)length);
    if (body)
        memcpy(request->bytes + length, body, size);
    else
        memset(request->bytes + length, 'x', size);
    return 0;
}

int nw_http_request_post(struct nw_http_request *request, const char *url, const void *body, size_t size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct url parts;
    int result = parse_url(&parts, url);

    *request = (struct nw_http_request){0};
    if (result)
        return result;
    if (getaddrinfo(parts.host, parts.port, &hints, &request->address))
        return -ENOENT;
    result = write_request(request, &parts, body, size);
    if (result)
        nw_http_request_fini(request);
    return result;
}

int nw_http_request_init(struct nw_http_request *request, const char *url, size_t size)
{
    return nw_http_request_post(request, url, NULL, size);
}

void nw_http_request_fini(struct nw_http_request *request)
{
    if (request->address)
        freeaddrinfo(request->address);
    free(request->bytes);
    *request = (struct nw_http_request){0};
}

static int on_complete(llhttp_t *parser)
{
    struct nw_http_client *client = parser->data;

    client->complete = true;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *parser, const char *bytes, size_t length)
{
    struct nw_http_client *client = parser->data;

    for (size_t i = 0; i < length && client->body_length + i < sizeof client->body; i++)
        client->body[client->body_length + i] = bytes[i];
    client->body_length += length;
    return HPE_OK;
}

/* A connected socket or negative errno. */
static int connect_to(const struct addrinfo *address)
{
    int error, fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, address->ai_addr, address->ai_addrlen) || fcntl(fd, F_SETFL, O_NONBLOCK)) {
        error = -errno;
        close(fd);
        return error;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return fd;
}

int nw__http_client_open(struct nw_http_client *client, const struct nw_http_request *request)
{
    static const llhttp_settings_t settings = {.on_body = on_body, .on_message_complete = on_complete};
    int fd = -ENOENT;

    for (const struct addrinfo *address = request->address; address && fd < 0; address = address->ai_next)
        fd = connect_to(address);
    *client = (struct nw_http_client){.fd = fd < 0 ? -1 : fd};
    llhttp_init(&client->parser, HTTP_RESPONSE, &settings);
    client->parser.data = client;
    return fd < 0 ? fd : 0;
}

void nw__http_client_close(struct nw_http_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->busy = false;
}

static enum nw_http_outcome fail(struct nw_http_client *client)
{
    nw__http_client_close(client);
    client->status = -1;
    return NW_HTTP_FAILED;
}

/* False when the connection is broken. */
static bool send_rest(struct nw_http_client *client, const struct nw_http_request *request)
{
    while (client->sent < request->length) {
        ssize_t n = send(client->fd, request->bytes + client->sent, request->length - client->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        client->sent += (size_t)n;
    }
    return true;
}

/* The response is whole. */
static enum nw_http_outcome finish(struct nw_http_client *client)
{
    enum nw_http_outcome outcome = client->parser.status_code / 100 == 2 ? NW_HTTP_ANSWERED : NW_HTTP_FAILED;

    client->busy = client->complete = false;
    client->status = client->parser.status_code;
    if (llhttp_should_keep_alive(&client->parser))
        llhttp_resume(&client->parser);
    else
        nw__http_client_close(client);
    return outcome;
}

static enum nw_http_outcome receive(struct nw_http_client *client)
{
    static char bytes[1 << 16];

    for (;;) {
        ssize_t n = recv(client->fd, bytes, sizeof bytes, 0);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? NW_HTTP_PENDING : fail(client);
        if (n == 0) /* which ends a response without a length */
            return client->busy && llhttp_finish(&client->parser) == HPE_PAUSED && client->complete ? finish(client)
                                                                                                    : fail(client);
        if (!client->busy)
            return fail(client);
        enum llhttp_errno error = llhttp_execute(&client->parser, bytes, (size_t)n);
        if (client->complete)
            return finish(client);
        if (error != HPE_OK)
            return fail(client);
    }
}

enum nw_http_outcome nw__http_client_begin(struct nw_http_client *client, const struct nw_http_request *request)
{
    client->busy = true;
    client->sent = client->body_length = 0;
    return send_rest(client, request) ? NW_HTTP_PENDING : fail(client);
}

enum nw_http_outcome nw__http_client_continue(struct nw_http_client *client, const struct nw_http_request *request)
{
    if (client->busy && !send_rest(client, request))
        return fail(client);
    return receive(client);
}

bool nw__http_client_as_expected(const struct nw_http_client *client, const struct nw_http_request *request)
{
    size_t length = strlen(request->expected);

    return !length || (client->body_length == length && !memcmp(client->body, request->expected, length));
}
