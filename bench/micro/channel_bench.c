/*
 * A descriptor to another thread and one back over a channel, each side sleeping on its doorbell when there is nothing
 * to do: the round trip of an engine and a worker that are otherwise idle.
 */
#include "bench/micro/micro.h"
#include "common/base/clock.h"
#include "common/shm/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>

#define LAST UINT64_MAX

/* Sleeps until a descriptor is there, and takes it. 0, or negative errno. */
static int take(struct nw_channel *channel, struct nw_desc *desc)
{
    for (;;) {
        int got = nw_ring_pop(&channel->in, desc);
        if (got)
            return got > 0 ? 0 : got;
        if (nw_channel_may_sleep(channel)) {
            struct pollfd bell = {.fd = channel->own_doorbell, .events = POLLIN};
            poll(&bell, 1, -1);
            nw_channel_woke(channel);
        }
    }
}

static void *echo(void *argument)
{
    struct nw_channel *channel = argument;
    struct nw_desc desc;

    while (!take(channel, &desc)) {
        nw_channel_send(channel, &desc);
        if (desc.id == LAST)
            break;
    }
    return NULL;
}

static int exchange(struct nw_channel *channel, uint64_t id)
{
    struct nw_desc desc = {.id = id, .kind = NW_DESC_INVOKE};
    int error = nw_channel_send(channel, &desc);

    if (!error)
        error = take(channel, &desc);
    return error ? error : desc.id == id ? 0 : -EPROTO;
}

/* Attaches the other end to the same memory, as a worker does with the descriptors that it was sent. */
static int attach_peer(struct nw_channel *peer, const struct nw_channel *channel, const struct nw_geometry *geometry)
{
    return nw_channel_attach(peer, geometry, fcntl(channel->memfd, F_DUPFD_CLOEXEC, 0),
                             fcntl(channel->peer_doorbell, F_DUPFD_CLOEXEC, 0),
                             fcntl(channel->own_doorbell, F_DUPFD_CLOEXEC, 0));
}

static void measure(struct nw_bench *bench, struct nw_channel *channel)
{
    uint64_t id = 0;

    while (nw__bench_next(bench)) {
        uint64_t start = nw_clock_ns();
        if (exchange(channel, ++id))
            nw__bench_fail(bench, "the channel failed");
        nw__bench_batch(bench, nw_clock_ns() - start, 1);
    }
    exchange(channel, LAST);
}

static void round_trip(struct nw_bench *bench, long unused)
{
    const struct nw_geometry geometry = {.ring_capacity = 1024, .arena_size = 1 << 20};
    struct nw_channel channel, peer;
    pthread_t thread;

    (void)unused;
    if (nw_channel_create(&channel, &geometry)) {
        nw__bench_fail(bench, "cannot create a channel");
        return;
    }
    if (attach_peer(&peer, &channel, &geometry)) {
        nw__bench_fail(bench, "cannot attach to the channel");
    } else {
        if (pthread_create(&thread, NULL, echo, &peer)) {
            nw__bench_fail(bench, "cannot start a thread");
        } else {
            measure(bench, &channel);
            pthread_join(thread, NULL);
        }
        nw_channel_close(&peer);
    }
    nw_channel_close(&channel);
}

void nw__bench_register_channel(void)
{
    nw__bench_register("channel/round_trip", round_trip, 0);
}
