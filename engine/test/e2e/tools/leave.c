/*
 * Clients that go away at random points: each connects, sends a random part of a few requests, waits for a random
 * moment or a part of the answers, and is gone, by a reset, by closing, or by ending what it sends first; some wait for
 * all. "leave ADDRESS:PORT SECONDS SEED CLIENTS TARGET...": each target is "NAME BODY" or "NAME #BYTES" for a body of
 * so many. It ends with 0 when all that was answered was HTTP, and says how many were gone and how many stayed.
 */
#include "engine/test/e2e/tools/load_http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 64
#define PIPELINE    4
#define TEXT_MAX    (2 << 20)
#define WAIT_MAX_US 4000

struct client {
    pthread_t thread;
    uint64_t random;
    char *text; /* what it sends */
    size_t length;
    long gone, stayed, refused;
};

static struct load_target target;
static char **names;
static int n_names;
static struct timespec end;

static uint64_t below(struct client *client, uint64_t most)
{
    client->random ^= client->random << 13;
    client->random ^= client->random >> 7;
    client->random ^= client->random << 17;
    return client->random % most;
}

static bool is_over(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec);
}

static void __attribute__((format(printf, 2, 3))) add_text(struct client *client, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    client->length += (size_t)vsnprintf(client->text + client->length, TEXT_MAX - client->length, format, values);
    va_end(values);
}

static void add_request(struct client *client)
{
    const char *name = names[below(client, (uint64_t)n_names)], *body = strchr(name, ' ') + 1;
    size_t size = *body == '#' ? strtoul(body + 1, NULL, 10) : strlen(body);
    bool chunked = below(client, 2);
    if (client->length + size + 256 > TEXT_MAX)
        return;
    add_text(client, "POST /function/%.*s HTTP/1.1\r\nHost: a\r\n", (int)(body - name - 1), name);
    if (below(client, 4) == 0)
        add_text(client, "X-Timeout: %dms\r\n", (int)below(client, 20) + 1);
    if (below(client, 6) == 0)
        add_text(client, "Connection: close\r\n");
    add_text(client, chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx\r\n" : "Content-Length: %zu\r\n\r\n", size);
    if (*body == '#')
        memset(client->text + client->length, 'x', size);
    else
        memcpy(client->text + client->length, body, size);
    client->length += size;
    if (chunked)
        add_text(client, "\r\n0\r\n\r\n");
}

static void pause_us(uint64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

/* Sends `length` bytes as far as they are taken; the server may have said goodbye before. */
static void send_part(const struct client *client, int fd, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t n = send(fd, client->text + sent, length - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        sent += (size_t)n;
    }
}

static void go(struct client *client, int fd)
{
    const struct linger now = {.l_onoff = 1};
    switch (below(client, 3)) {
    case 0:
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        break;
    case 1:
        shutdown(fd, SHUT_WR);
        pause_us(below(client, WAIT_MAX_US));
        break;
    default:
        break;
    }
}

/* Most are gone before they are answered; some take a part of the answer, or all. */
static void wait_for_something(struct client *client, int fd)
{
    char bytes[4096];
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (below(client, 4))
        pause_us(below(client, WAIT_MAX_US));
    else if (poll(&ready, 1, 50) > 0 && recv(fd, bytes, 1 + below(client, sizeof bytes), MSG_DONTWAIT) < 0)
        client->refused += errno != EAGAIN;
}

static bool visit(struct client *client)
{
    struct load_connection connection;
    struct load_response response;
    if (!load_connect(&connection, &target))
        return false;
    client->length = 0;
    for (uint64_t i = 1 + below(client, PIPELINE); i; i--)
        add_request(client);
    bool whole = below(client, 8) == 0, good = true;
    send_part(client, connection.fd, whole || below(client, 2) ? client->length : below(client, client->length + 1));
    if (whole) {
        good = load_receive(&connection, &response);
        client->stayed++;
    } else {
        wait_for_something(client, connection.fd);
        client->gone++;
    }
    go(client, connection.fd);
    load_close(&connection);
    return good;
}

static void *run(void *arg)
{
    struct client *client = arg;
    while (!is_over())
        if (!visit(client))
            return client;
    return NULL;
}

int main(int argc, char **argv)
{
    static struct client clients[CLIENTS_MAX];
    long n = argc > 5 ? strtol(argv[4], NULL, 10) : 0, gone = 0, stayed = 0;
    bool good = true;
    if (n < 1 || n > CLIENTS_MAX || !load_target_parse(&target, argv[1], "/")) {
        fputs("usage: leave ADDRESS:PORT SECONDS SEED CLIENTS \"NAME BODY\"...\n", stderr);
        return 2;
    }
    target.patience_s = 30;
    names = argv + 5;
    n_names = argc - 5;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += strtol(argv[2], NULL, 10);
    for (long i = 0; i < n; i++) {
        clients[i].random = strtoull(argv[3], NULL, 10) * 1000003 + (uint64_t)i + 1;
        clients[i].text = malloc(TEXT_MAX);
        if (!clients[i].text || pthread_create(&clients[i].thread, NULL, run, &clients[i]))
            return 1;
    }
    for (long i = 0; i < n; i++) {
        void *failed;
        pthread_join(clients[i].thread, &failed);
        good &= !failed;
        gone += clients[i].gone;
        stayed += clients[i].stayed;
        free(clients[i].text);
    }
    printf("gone=%ld stayed=%ld\n", gone, stayed);
    return good ? 0 : 1;
}
