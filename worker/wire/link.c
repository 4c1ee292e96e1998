/* See link.h. */
#include "worker/wire/link.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "worker/executor/wake.h"
#include "worker/wire/payload.h"
#include <errno.h>
#include <string.h>

struct nw_links nw__links;

static int begin(struct nw_link *link)
{
    link->arena_size = nw__links.geometry.arena_size;
    return nw__payload_init(link);
}

int nw_links_init(const struct nw_geometry *geometry, int channel, int doorbell, int engine)
{
    struct nw_link *link = &nw__links.link[0];
    int error = nw_channel_attach(&link->channel, geometry, channel, doorbell, engine);

    nw__links.geometry = *geometry;
    nw__links.n = 1;
    if (!error)
        error = nw_channel_block(&link->channel);
    return error ? error : begin(link);
}

void nw_link_add(const struct nw_control_message *message)
{
    int error = -EINVAL;

    if (nw__links.n < NW_CHANNELS_MAX && message->n_fds == 2)
        error = nw_channel_attach(&nw__links.link[nw__links.n].channel, &nw__links.geometry, message->fds[0], -1,
                                  message->fds[1]);
    if (!error)
        error = begin(&nw__links.link[nw__links.n]);
    if (error)
        nw_die_system("cannot attach another channel to the engine: %s", strerror(-error));
    nw__links.n++;
    nw_wake_leader(); /* the leader may sleep already, and the new ring does not know it */
}

bool nw_links_have_work(void)
{
    for (uint32_t i = 0; i < nw__links.n; i++) {
        const struct nw_ring *in = &nw__links.link[i].channel.in;

        if (nw__links.link[i].n_outbox || nw_load_relaxed(&in->shared->tail) != in->own)
            return true;
    }
    return false;
}

/* When one ring is not empty, those looked at before still say that we sleep: their next push rings once in vain. */
static bool may_sleep(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!nw_channel_may_sleep(&nw__links.link[i].channel))
            return false;
    return true;
}

void nw_links_sleep(uint32_t n)
{
    if (may_sleep(n))
        nw_channel_sleep(&nw__links.link[0].channel); /* whatever ends it, the queues are looked at */
}

void nw_links_stay_awake(uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        nw_store_relaxed(&nw__links.link[i].channel.in.shared->consumer_sleeps,
                         0); /* pairs with nw_channel_must_ring */
}
