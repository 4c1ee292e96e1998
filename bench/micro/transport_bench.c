/*
 * A payload of many sizes to another thread and back, each side copying it out of the transport and in again: over the
 * channel of engine and worker, over a Unix socket and over TCP on the loopback device.
 */
#include "bench/micro/micro.h"
#include "common/base/clock.h"
#include "common/shm/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LAST    UINT64_MAX
#define WARM_UP 3

enum { RING, UNIX, TCP };

struct end {
    size_t size;
    unsigned char *buffer;
    int (*send)(struct end *end, uint64_t id);
    int (*receive)(struct end *end, uint64_t *id);
    int socket;
    struct nw_channel channel;
    uint64_t sent; /* the block in our arena that the peer is done with once it answers */
    bool any_sent;
};

/* Over a socket the first byte says whether this is the last message. */
static int socket_send(struct end *end, uint64_t id)
{
    end->buffer[0] = id == LAST;
    for (size_t done = 0; done < end->size;) {
        ssize_t n = send(end->socket, end->buffer + done, end->size - done, MSG_NOSIGNAL);
        if (n <= 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

static int socket_receive(struct end *end, uint64_t *id)
{
    for (size_t done = 0; done < end->size;) {
        ssize_t n = recv(end->socket, end->buffer + done, end->size - done, 0);
        if (n <= 0)
            return n ? -errno : -EPIPE;
        done += (size_t)n;
    }
    *id = end->buffer[0] ? LAST : 0;
    return 0;
}

static int ring_send(struct end *end, uint64_t id)
{
    struct nw_desc desc = {.id = id, .kind = NW_DESC_INVOKE, .length = end->size};
    int error = 0;

    if (end->any_sent)
        error = nw_arena_release(end->channel.arena, end->sent);
    end->any_sent = false;
    if (!error)
        error = nw_arena_alloc(end->channel.arena, end->size, &desc.offset);
    if (error)
        return error;
    memcpy(nw_arena_at(end->channel.arena, desc.offset), end->buffer, end->size);
    end->sent = desc.offset;
    end->any_sent = true;
    return nw_channel_send(&end->channel, &desc);
}

static int ring_receive(struct end *end, uint64_t *id)
{
    struct pollfd bell = {.fd = end->channel.own_doorbell, .events = POLLIN};
    const void *payload;
    struct nw_desc desc;
    int got;

    while ((got = nw_ring_pop(&end->channel.in, &desc)) == 0) {
        if (nw_channel_may_sleep(&end->channel)) {
            poll(&bell, 1, -1);
            nw_channel_woke(&end->channel);
        }
    }
    payload = got == 1 ? nw_channel_payload(&end->channel, &desc) : NULL;
    if (!payload || desc.length != end->size)
        return -EPROTO;
    memcpy(end->buffer, payload, end->size);
    *id = desc.id;
    return 0;
}

static void *echo(void *argument)
{
    struct end *end = argument;
    uint64_t id = 0;

    while (!end->receive(end, &id) && id != LAST)
        if (end->send(end, id))
            break;
    return NULL;
}

static void measure(struct nw_bench *bench, struct end *end)
{
    uint64_t id;

    for (int i = 0; i < WARM_UP; i++) /* memory is there from then on */
        if (end->send(end, 0) || end->receive(end, &id))
            nw__bench_fail(bench, "the transport failed");
    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        if (end->send(end, 0) || end->receive(end, &id))
            nw__bench_fail(bench, "the transport failed");
        nw__bench_batch(bench, nw_clock_ns() - start, 1);
    }
    end->send(end, LAST);
}

static int connect_ring(struct end ends[2])
{
    const struct nw_geometry geometry = {.ring_capacity = 64, .arena_size = 64u << 20};
    struct nw_channel *a = &ends[0].channel, *b = &ends[1].channel;
    int error = nw_channel_create(a, &geometry);

    if (error)
        return error;
    error = nw_channel_attach(b, &geometry, fcntl(a->memfd, F_DUPFD_CLOEXEC, 0),
                              fcntl(a->peer_doorbell, F_DUPFD_CLOEXEC, 0), fcntl(a->own_doorbell, F_DUPFD_CLOEXEC, 0));
    if (error)
        nw_channel_close(a);
    return error;
}

/* A listening socket on the loopback device, both ends, and the listening socket closed again. */
static int connect_tcp(int sockets[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(address);
    const int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    sockets[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockets[1] = -1;
    if (!bind(listener, (struct sockaddr *)&address, length) && !listen(listener, 1) &&
        !getsockname(listener, (struct sockaddr *)&address, &length) &&
        !connect(sockets[0], (struct sockaddr *)&address, length))
        sockets[1] = accept(listener, NULL, NULL);
    close(listener);
    for (int i = 0; i < 2; i++)
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return sockets[1] < 0 ? -errno : 0;
}

static int open_ends(struct end ends[2], long kind, size_t size)
{
    int sockets[2] = {-1, -1}, error;

    if (kind == RING)
        error = connect_ring(ends);
    else if (kind == TCP)
        error = connect_tcp(sockets);
    else
        error = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) ? -errno : 0;
    for (int i = 0; i < 2; i++) {
        ends[i].size = size;
        ends[i].buffer = calloc(1, size);
        ends[i].socket = sockets[i];
        ends[i].send = kind == RING ? ring_send : socket_send;
        ends[i].receive = kind == RING ? ring_receive : socket_receive;
    }
    return error;
}

static void close_ends(struct end ends[2], long kind)
{
    for (int i = 0; i < 2; i++) {
        if (kind == RING)
            nw_channel_close(&ends[i].channel);
        else
            close(ends[i].socket);
        free(ends[i].buffer);
    }
}

/* The argument is four times the size, plus the kind. */
static void round_trip(struct nw_bench *bench, long argument)
{
    struct end ends[2] = {0};
    pthread_t other;

    if (open_ends(ends, argument % 4, (size_t)argument / 4)) {
        nw__bench_fail(bench, "cannot connect the two ends");
        return;
    }
    if (pthread_create(&other, NULL, echo, &ends[1])) {
        nw__bench_fail(bench, "cannot start a thread");
    } else {
        measure(bench, &ends[0]);
        pthread_join(other, NULL);
    }
    close_ends(ends, argument % 4);
}

void nw__bench_register_transports(void)
{
    static const char *const kinds[] = {[RING] = "ring", [UNIX] = "unix", [TCP] = "tcp"};
    char name[64];

    for (long kind = RING; kind <= TCP; kind++)
        for (long size = 1; size <= 16 << 20; size *= 4) {
            snprintf(name, sizeof(name), "transport/%s/%ld", kinds[kind], size);
            nw__bench_register(name, round_trip, 4 * size + kind);
        }
}
