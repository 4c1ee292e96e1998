/* See lock.h. */
#include "worker/base/lock.h"

pthread_mutex_t nw_monitor_lock = PTHREAD_MUTEX_INITIALIZER;
