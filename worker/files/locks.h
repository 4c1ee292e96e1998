/*
 * Record locks of one owner on one file. The kernel keeps them, as those of an open file description of which the owner
 * has the only descriptor or knows all; here it is known how many there are, which the kernel does not bound, so that
 * a domain can be held to its share. Whoever waits for one keeps a kernel thread meanwhile.
 */
#ifndef NW_WORKER_FILES_LOCKS_H
#define NW_WORKER_FILES_LOCKS_H

#include "worker/files/ranges.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct flock;
struct nw_account;

struct nw_locks {
    pthread_mutex_t mutex; /* held while the kernel sets a lock, never while it waits for one */
    struct nw_ranges ranges;
    uint32_t waiting; /* threads; what the kernel has meanwhile may differ from `ranges`, by what each waits for ... */
    uint32_t blind;   /* ... and by these changes */
};

void nw__locks_init(struct nw_locks *locks);
void nw__locks_fini(struct nw_account *account, struct nw_locks *locks); /* once its descriptors are closed */

/* Waits until the kernel has set the record lock by F_OFD_SETLKW, and returns what that says. */
typedef long nw_locks_wait(void *who, int fd, struct flock *record);

/* Sets a range through the kernel's descriptor, with `wait` where it is somebody else's; NULL: -EAGAIN. -ENOLCK: it
 * would have too many. */
long nw_locks_set(struct nw_account *account, struct nw_locks *locks, int fd, const struct nw_range *range,
                  nw_locks_wait *wait, void *who);

#endif
