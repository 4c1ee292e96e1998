/*
 * Measures, in a worker of its own that tests run, how long each lock is held and how long an executor stays in the
 * monitor: in time that its thread spent on a processor, so that a busy machine does not count. Included before the
 * worker's own sources; the worker that is installed knows nothing of this.
 *
 * At its end the worker writes for each lock and function, and for each call that a domain made, "hold WHAT FUNCTION
 * LONGEST THIRD" and "stay WHAT NUMBER LONGEST THIRD", in us, and for a look at the rings "poll". The third longest is
 * what it really takes: what a hypervisor takes away counts as spent, too, but seldom three times at the same place.
 * For what must not begin under the monitor's lock, and did, it writes "under" with how long the lock had been held
 * until then.
 */
#ifndef NW_WORKER_TEST_HOLDS_HOLDS_H
#define NW_WORKER_TEST_HOLDS_HOLDS_H

#include <pthread.h>

int nw_holds_lock(pthread_mutex_t *mutex, const char *name, const char *file, const char *function);
int nw_holds_unlock(pthread_mutex_t *mutex);
int nw_holds_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const char *name, const char *file,
                  const char *function);

#define pthread_mutex_lock(mutex)      nw_holds_lock((mutex), #mutex, __FILE__, __func__)
#define pthread_mutex_unlock(mutex)    nw_holds_unlock(mutex)
#define pthread_cond_wait(cond, mutex) nw_holds_wait((cond), (mutex), #mutex, __FILE__, __func__)

#endif
