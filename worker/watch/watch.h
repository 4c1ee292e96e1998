/*
 * The watch over deadlines and quanta: the control thread calls it every 2 ms while anything runs. It ends what is past
 * its deadline and preempts slots that others wait behind. It looks at the domains that something happens in
 * (domain/attended.h), so that it costs the same however many there are. Lock held.
 */
#ifndef NW_WORKER_WATCH_WATCH_H
#define NW_WORKER_WATCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct nw_domain;

enum nw_watched {
    NW_WATCHED_NOTHING, /* nothing has run since it looked last */
    NW_WATCHED_RAN,     /* all is over that ran meanwhile */
    NW_WATCHED_RUNS,    /* something runs, or waits for it */
};

/* An executor is done with a slot of the domain, or the slot waits. */
void nw_watch_after(struct nw_domain *domain);

enum nw_watched nw_watch(uint64_t now);

#endif
