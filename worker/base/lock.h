/*
 * The monitor's lock guards everything of the worker but what says otherwise where it is declared.
 *
 * The order in which locks are taken: nw_monitor_lock, domain.memory.lock, domain.files.lock, domain.free_lock
 * (its list of free func workers; a spinlock, see free.h). domain.move_lock is taken alone.
 */
#ifndef NW_WORKER_BASE_LOCK_H
#define NW_WORKER_BASE_LOCK_H

#include <pthread.h>

extern pthread_mutex_t nw_monitor_lock;

#endif
