/*
 * The watch over deadlines and quanta: the control thread calls it every 2 ms while anything runs. It ends what is past
 * its deadline and preempts slots that others wait behind. It looks at the domains that something happens in
 * (domain/attended.h), so that it costs the same however many there are. Lock held.
 */
#ifndef NW_WORKER_RUN_WATCH_H
#define NW_WORKER_RUN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

bool nw_watch(uint64_t now); /* false: nothing runs that would need watching */

#endif
