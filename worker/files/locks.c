/* See locks.h. */
#include "worker/files/locks.h"
#include "worker/account/share.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLIND_MOST 64 /* changes while somebody waits: each may leave the kernel two records unknown here */

void nw__locks_init(struct nw_locks *locks)
{
    *locks = (struct nw_locks){0};
    pthread_mutex_init(&locks->mutex, NULL);
}

void nw__locks_fini(struct nw_account *account, struct nw_locks *locks)
{
    nw_share_give(account, NW_RESOURCE_LOCKS, locks->ranges.n);
    nw__ranges_fini(&locks->ranges);
    pthread_mutex_destroy(&locks->mutex);
}

static struct flock record_of(const struct nw_range *range)
{
    return (struct flock){
        .l_type = range->type,
        .l_whence = SEEK_SET,
        .l_start = (off_t)range->start,
        .l_len = range->last == INT64_MAX ? 0 : (off_t)(range->last - range->start + 1),
    };
}

/* Mutex held. `held` of the domain's share are taken already; those that are not needed are given back. */
static long set_now(struct nw_account *account, struct nw_locks *locks, int fd, const struct nw_range *range,
                    uint64_t held)
{
    size_t before = locks->ranges.n, after = nw__ranges_after(&locks->ranges, range);
    struct flock record = record_of(range);
    uint64_t more = after > before ? after - before : 0, taken = more > held ? more : held;
    long result = 0;

    if (nw__ranges_reserve(&locks->ranges) < 0 ||
        (taken > held && nw_share_take(account, NW_RESOURCE_LOCKS, taken - held) < 0)) {
        nw_share_give(account, NW_RESOURCE_LOCKS, held);
        return -ENOLCK;
    }
    if (fcntl(fd, F_OFD_SETLK, &record) < 0)
        result = -errno;
    else
        nw__ranges_set(&locks->ranges, range);
    nw_share_give(account, NW_RESOURCE_LOCKS, result ? taken : taken + before - after);
    return result;
}

static long try(struct nw_account *account, struct nw_locks *locks, int fd, const struct nw_range *range)
{
    long result;

    pthread_mutex_lock(&locks->mutex);
    if (locks->waiting && locks->blind >= BLIND_MOST) {
        result = -ENOLCK;
    } else {
        locks->blind += locks->waiting > 0;
        result = set_now(account, locks, fd, range, 0);
    }
    pthread_mutex_unlock(&locks->mutex);
    return result;
}

/* The wait is over. Setting the lock once more makes sure that the list here and the kernel agree. */
static long settle(struct nw_account *account, struct nw_locks *locks, int fd, const struct nw_range *range,
                   uint64_t held, long result)
{
    pthread_mutex_lock(&locks->mutex);
    if (result == 0)
        result = set_now(account, locks, fd, range, held);
    else
        nw_share_give(account, NW_RESOURCE_LOCKS, held);
    if (result != -EAGAIN && --locks->waiting == 0)
        locks->blind = 0;
    pthread_mutex_unlock(&locks->mutex);
    return result;
}

/* The share is taken before the wait: afterwards the kernel would have the lock already, even if it were one too many.
 */
static long await(struct nw_account *account, struct nw_locks *locks, int fd, const struct nw_range *range,
                  nw_locks_wait *wait, void *who)
{
    struct flock record = record_of(range);
    uint64_t held;
    long result;

    pthread_mutex_lock(&locks->mutex);
    locks->waiting++;
    pthread_mutex_unlock(&locks->mutex);
    do {
        held = nw_share_take(account, NW_RESOURCE_LOCKS, NW_RANGES_GROWTH) < 0 ? 0 : NW_RANGES_GROWTH;
        result = held ? wait(who, fd, &record) : -ENOLCK;
        result = settle(account, locks, fd, range, held, result);
    } while (result == -EAGAIN);
    return result;
}

long nw_locks_set(struct nw_account *account, struct nw_locks *locks, int fd, const struct nw_range *range,
                  nw_locks_wait *wait, void *who)
{
    long result = try(account, locks, fd, range);

    return result == -EAGAIN && wait ? await(account, locks, fd, range, wait, who) : result;
}
