/*
 * All that is counted of one function: the tallies of the engine's threads, and what the main thread hears from
 * workers. It lives as long as the main thread knows the function, or another thread does. Not responsible for what is
 * counted when (dispatch/count.h, versions/seat_events.c) or how it is shown (metrics/).
 */
#ifndef NW_ENGINE_TALLY_METER_H
#define NW_ENGINE_TALLY_METER_H

#include "common/manifest/control.h"
#include "engine/tally/tally.h"
#include <stdbool.h>
#include <stdint.h>

/* Of all domains of a function that ever were, as workers have told; the main thread's. */
struct nw_worked {
    uint64_t begun_or_ended;        /* calls, nested ones within a worker included */
    uint64_t ran_ns;                /* executors ran its slots, with what these called */
    uint64_t waited_ns;             /* its slots waited for an executor */
    uint64_t preempted, rekeyed;    /* it had to stop; its key was taken and it got another */
    bool awaited;                   /* a call found no worker that has it, and none has loaded it since */
    uint64_t cold_starts;           /* it was loaded while a call waited for that */
    uint64_t restarts[NW_OUTCOMES]; /* its domain was made anew, by what its invocations got */
};

struct nw_meter {
    unsigned references;
    unsigned n; /* threads */
    struct nw_worked worked;
    struct nw_tally *of_thread[]; /* stored by the thread with its first request, read by the main one; NULL before */
};

/* One for so many threads, with a reference. NULL when memory is out. */
struct nw_meter *nw_meter_new(uint64_t threads);
void nw_meter_ref(struct nw_meter *meter);
void nw_meter_unref(struct nw_meter *meter); /* good for NULL */

/* Shows a tally of this thread; NULL: the one that it has shown already, or a new one. From then on it is summed. NULL
 * when memory is out. */
struct nw_tally *nw_meter_show(struct nw_meter *meter, unsigned thread, struct nw_tally *tally);

/* The thread does not need its tally any more; good for NULL. */
void nw_meter_drop(struct nw_tally *tally);

/* What the main thread hears of a function; these are good for NULL. */
void nw_meter_awaited(struct nw_meter *meter);
void nw_meter_loaded(struct nw_meter *meter);
void nw_meter_restarted(struct nw_meter *meter, enum nw_outcome why);

/* A worker said `before` of it, and now says `now`: adds what is new, also when what it counts began anew. */
void nw_meter_work(struct nw_meter *meter, const struct nw_calls *before, const struct nw_calls *now);

/* All threads together, into `sum`. False: there was no request yet. */
bool nw_meter_sum(const struct nw_meter *meter, struct nw_tally *sum);

#endif
