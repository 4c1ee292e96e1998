/*
 * What kicks an executor once, at a time that it names: its `ticked` is set, and NW_PREEMPT_SIGNAL comes. Timers of the
 * kernel, one for each executor; or, where the kernel has none to give, one thread for all of them.
 */
#ifndef NW_WORKER_TICK_SOURCE_H
#define NW_WORKER_TICK_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct nw_executor;

/* Chooses, once, before there is an executor; `thread`: the thread, whatever the kernel has. 0 or negative errno. */
int nw_tick_init(bool thread);

/* At this time, in ns of CLOCK_MONOTONIC, and at no other that was set before; 0: not at all, though a kick may be on
 * its way. False: it cannot. */
bool nw__tick_at(struct nw_executor *ex, uint64_t due);

/* The two of them, each of which does the same. */
bool nw__timer_at(struct nw_executor *ex, uint64_t due);
bool nw__ticker_at(struct nw_executor *ex, uint64_t due);

bool nw__timer_probe(void); /* whether the kernel gives this process timers */
int nw__ticker_start(void); /* once, before nw__ticker_at. 0 or negative errno */

#endif
