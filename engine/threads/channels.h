/*
 * The channels to one worker of the threads beside the main one: made before the worker is started, and each then the
 * thread's. What a thread shows of its own is read here, so this lives until the last of them has let go of the worker.
 */
#ifndef NW_ENGINE_THREADS_CHANNELS_H
#define NW_ENGINE_THREADS_CHANNELS_H

#include "common/shm/channel.h"
#include "engine/base/list.h"
#include <stdbool.h>
#include <stdint.h>

/* What a thread gets of a worker that is new to it. */
struct nw_told_worker {
    struct nw_list link;
    uint32_t number;
    struct nw_channel channel;    /* the thread's from then on */
    uint32_t *busy;               /* where to show how many invocations it has of this thread */
    struct nw_channels *channels; /* a reference, given back by nw_thread_mail.channels */
};

struct nw_channels {
    struct nw_list lost; /* in threads->lost while its worker is lost and the threads have yet to be told */
    unsigned references; /* the worker's, and one for each thread that has its channel */
    unsigned n;
    uint32_t worker; /* its number */
    struct {
        uint32_t busy;               /* invocations that the worker has of this thread; written by it, relaxed */
        struct nw_told_worker *told; /* NULL once the thread has it */
    } of_thread[];
};

/* `n` of them beside the `first`, which the worker behind the socket `control` is told of. *channels is NULL for none.
 * 0 or negative errno. */
int nw_channels_new(unsigned n, const struct nw_geometry *geometry, const struct nw_channel *first, uint32_t worker,
                    int control, struct nw_channels **channels);

/* What this thread gets, with a reference, once: NULL when it has it already. Good for NULL, as the next three. */
struct nw_told_worker *nw_channels_take(struct nw_channels *channels, unsigned thread);

/* Invocations that the worker has of the other threads. */
unsigned nw_channels_busy(const struct nw_channels *channels);

/* Whether threads have some, and may have invocations in the worker therefore. */
bool nw_channels_shared(const struct nw_channels *channels);

/* The worker is given up: closes what no thread has, and drops its reference. */
void nw_channels_close(struct nw_channels *channels);

/* Whether that was the last reference: then they are freed. */
bool nw__channels_unref(struct nw_channels *channels);

#endif
