/* See channels.h. */
#include "engine/threads/channels.h"
#include "common/base/atomic.h"
#include "common/manifest/control.h"
#include <errno.h>
#include <stdlib.h>

/* The worker knows of it before it can be told of any function. */
static int add_channel(struct nw_channels *channels, unsigned thread, const struct nw_geometry *geometry,
                       const struct nw_channel *first, uint32_t number, int control)
{
    const struct nw_control head = {.kind = NW_CONTROL_CHANNEL, .worker = number};
    struct nw_told_worker *told = calloc(1, sizeof *told);
    if (!told)
        return -ENOMEM;
    int rc = nw_channel_create_beside(&told->channel, geometry, first);
    if (rc < 0) {
        free(told);
        return rc;
    }
    nw_list_init(&told->link);
    told->number = number;
    told->busy = &channels->of_thread[thread].busy;
    told->channels = channels;
    channels->of_thread[thread].told = told;
    return nw_control_send(control, &head, NULL, 0, (int[]){told->channel.memfd, told->channel.own_doorbell}, 2);
}

int nw_channels_new(unsigned n, const struct nw_geometry *geometry, const struct nw_channel *first, uint32_t worker,
                    int control, struct nw_channels **channels)
{
    int rc = 0;
    *channels = n ? calloc(1, sizeof **channels + n * sizeof *(*channels)->of_thread) : NULL;
    if (n && !*channels)
        return -ENOMEM;
    if (!n)
        return 0;
    nw_list_init(&(*channels)->lost);
    (*channels)->references = 1;
    (*channels)->n = n;
    (*channels)->worker = worker;
    for (unsigned i = 0; i < n && !rc; i++)
        rc = add_channel(*channels, i, geometry, first, worker, control);
    if (rc == 0)
        return 0;
    nw_channels_close(*channels);
    *channels = NULL;
    return rc;
}

struct nw_told_worker *nw_channels_take(struct nw_channels *channels, unsigned thread)
{
    struct nw_told_worker *told = channels ? channels->of_thread[thread].told : NULL;
    if (!told)
        return NULL;
    channels->of_thread[thread].told = NULL;
    channels->references++;
    return told;
}

unsigned nw_channels_busy(const struct nw_channels *channels)
{
    unsigned sum = 0;
    for (unsigned i = 0; channels && i < channels->n; i++)
        sum += nw_load_relaxed(&channels->of_thread[i].busy);
    return sum;
}

bool nw_channels_shared(const struct nw_channels *channels)
{
    return channels && channels->references > 1;
}

void nw_channels_close(struct nw_channels *channels)
{
    for (unsigned i = 0; channels && i < channels->n; i++) {
        struct nw_told_worker *told = channels->of_thread[i].told;
        channels->of_thread[i].told = NULL;
        if (told)
            nw_channel_close(&told->channel);
        free(told);
    }
    if (channels)
        nw__channels_unref(channels);
}

bool nw__channels_unref(struct nw_channels *channels)
{
    bool last = !--channels->references;
    if (last)
        nw_list_remove(&channels->lost);
    if (last)
        free(channels);
    return last;
}
