/*
 * The watch over deadlines and quanta, by which the control thread looks now and then at what runs. Lock held.
 */
#ifndef NW_WORKER_RUN_WATCH_H
#define NW_WORKER_RUN_WATCH_H

#include <stdbool.h>
#include <stdint.h>

bool nw_watch(uint64_t now); /* false: nothing runs that would need watching */

#endif
