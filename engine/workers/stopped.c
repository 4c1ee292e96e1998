/* See stopped.h. */
#include "engine/workers/stopped.h"
#include "common/process/state.h"
#include "engine/io/io.h"
#include "engine/serve/engine.h"
#include "engine/serve/link.h"
#include "engine/threads/channels.h"
#include "engine/threads/threads.h"
#include "engine/workers/seat.h"
#include "engine/workers/seats.h"
#include "engine/workers/worker.h"

#define LOOK_MS 300

static bool is_awaited(const struct nw_seat *seat)
{
    const struct nw_worker *worker = seat->worker;
    return worker && !worker->link->broken &&
           (worker->link->busy || seat->loading || seat->retiring || seat->state == NW_SEAT_STARTING ||
            nw_channels_busy(worker->channels));
}

/* Whether nothing came from it since the last look. Only then is the kernel asked about it, since that costs more. */
static bool is_silent(struct nw_worker *worker)
{
    uint32_t taken = worker->link->channel.in.own;
    unsigned busy = nw_channels_busy(worker->channels);
    bool silent = taken == worker->seen_taken && busy == worker->seen_busy;
    worker->seen_taken = taken;
    worker->seen_busy = busy;
    return silent;
}

static void look(struct nw_seat *seat)
{
    struct nw_worker *worker = seat->worker;
    if (!is_awaited(seat) || !is_silent(worker) || nw_process_state(worker->pid) != 'T') {
        if (worker)
            worker->seen_stopped = false;
    } else if (worker->seen_stopped) {
        nw__seat_lose(seat, "it is stopped (SIGSTOP)", NW_LOSS_OTHER);
    } else {
        worker->seen_stopped = true;
    }
}

void nw__stopped_tick(struct nw_workers *all)
{
    uint64_t now = nw_io_now(all->engine->io);
    if (now - all->stopped_looked_at < LOOK_MS ||
        (nw_list_empty(&all->attended) && !nw_threads_sum(all->threads).in_flight))
        return;
    all->stopped_looked_at = now;
    nw_list_each(&all->seats, at, after) look(nw_container(at, struct nw_seat, link));
}
