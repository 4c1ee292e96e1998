/* See doorbells.h. A call that fails here shows as a bench that does not end in time or fails to open. */
#include "bench/micro/doorbells.h"
#include "common/base/atomic.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_nothing(struct nw_bell *bell)
{
    bell->rung = 0;
    return 0;
}

static void close_nothing(struct nw_bell *bell)
{
    (void)bell;
}

/* Pairs with the acquire load in spin_wait and yield_wait. */
static void flag_ring(struct nw_bell *bell)
{
    nw_store_release(&bell->rung, 1u);
}

static void spin_wait(struct nw_bell *bell)
{
    while (!nw_load_acquire(&bell->rung))
        nw_spin_pause();
    nw_store_relaxed(&bell->rung, 0u);
}

static void yield_wait(struct nw_bell *bell)
{
    while (!nw_load_acquire(&bell->rung))
        sched_yield();
    nw_store_relaxed(&bell->rung, 0u);
}

/* Pairs with the acquire load in futex_wait. */
static void futex_ring(struct nw_bell *bell)
{
    nw_store_release(&bell->rung, 1u);
    syscall(SYS_futex, &bell->rung, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void futex_wait(struct nw_bell *bell)
{
    while (!nw_load_acquire(&bell->rung))
        syscall(SYS_futex, &bell->rung, FUTEX_WAIT, 0, NULL, NULL, 0);
    nw_store_relaxed(&bell->rung, 0u);
}

static int eventfd_open(struct nw_bell *bell)
{
    bell->fds[0] = bell->fds[1] = eventfd(0, EFD_CLOEXEC);
    return bell->fds[0] < 0 ? -errno : 0;
}

static void eventfd_close(struct nw_bell *bell)
{
    close(bell->fds[0]);
}

static int pipe_open(struct nw_bell *bell)
{
    return pipe2(bell->fds, O_CLOEXEC) ? -errno : 0;
}

static void pipe_close(struct nw_bell *bell)
{
    close(bell->fds[0]);
    close(bell->fds[1]);
}

/* Eight bytes, because an eventfd takes nothing else. */
static void file_ring(struct nw_bell *bell)
{
    const uint64_t one = 1;

    while (write(bell->fds[1], &one, sizeof(one)) != sizeof(one))
        ;
}

static void file_wait(struct nw_bell *bell)
{
    uint64_t count;

    while (read(bell->fds[0], &count, sizeof(count)) != sizeof(count))
        ;
}

static int cond_open(struct nw_bell *bell)
{
    bell->rung = 0;
    return -(pthread_mutex_init(&bell->lock, NULL) | pthread_cond_init(&bell->cond, NULL));
}

static void cond_ring(struct nw_bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->rung = 1;
    pthread_cond_signal(&bell->cond);
    pthread_mutex_unlock(&bell->lock);
}

static void cond_wait(struct nw_bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    while (!bell->rung)
        pthread_cond_wait(&bell->cond, &bell->lock);
    bell->rung = 0;
    pthread_mutex_unlock(&bell->lock);
}

static void cond_close(struct nw_bell *bell)
{
    pthread_cond_destroy(&bell->cond);
    pthread_mutex_destroy(&bell->lock);
}

/* Blocked in every thread for as long as the program runs, so that none is lost. */
static int signal_open(struct nw_bell *bell)
{
    sigset_t set;

    (void)bell;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void signal_ring(struct nw_bell *bell)
{
    pthread_kill(bell->waiter, SIGUSR1);
}

static void signal_wait(struct nw_bell *bell)
{
    sigset_t set;
    int got;

    (void)bell;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigwait(&set, &got);
}

static void uring_close(struct nw_bell *bell)
{
    io_uring_queue_exit(&bell->inbox);
    io_uring_queue_exit(&bell->outbox);
}

static void uring_ring(struct nw_bell *bell)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&bell->outbox);
    struct io_uring_cqe *cqe;

    io_uring_prep_msg_ring(sqe, bell->inbox.ring_fd, 0, 1, 0);
    io_uring_submit_and_wait(&bell->outbox, 1);
    if (!io_uring_peek_cqe(&bell->outbox, &cqe))
        io_uring_cqe_seen(&bell->outbox, cqe);
}

static void uring_wait(struct nw_bell *bell)
{
    struct io_uring_cqe *cqe;

    while (io_uring_wait_cqe(&bell->inbox, &cqe))
        ;
    io_uring_cqe_seen(&bell->inbox, cqe);
}

/* A message to the ring itself tells whether this kernel has them (5.18). */
static int uring_open(struct nw_bell *bell)
{
    struct io_uring_cqe *cqe;
    int error = io_uring_queue_init(8, &bell->inbox, 0);

    if (error)
        return error;
    error = io_uring_queue_init(8, &bell->outbox, 0);
    if (error) {
        io_uring_queue_exit(&bell->inbox);
        return error;
    }
    uring_ring(bell);
    if (!io_uring_peek_cqe(&bell->inbox, &cqe)) {
        io_uring_cqe_seen(&bell->inbox, cqe);
        return 0;
    }
    uring_close(bell);
    return -ENOSYS;
}

const struct nw_bell_kind nw__bell_kinds[] = {
    {"spin", false, true, open_nothing, flag_ring, spin_wait, close_nothing},
    {"yield", true, true, open_nothing, flag_ring, yield_wait, close_nothing},
    {"futex", true, true, open_nothing, futex_ring, futex_wait, close_nothing},
    {"eventfd", true, true, eventfd_open, file_ring, file_wait, eventfd_close},
    {"pipe", true, true, pipe_open, file_ring, file_wait, pipe_close},
    {"cond", true, true, cond_open, cond_ring, cond_wait, cond_close},
    {"signal", true, true, signal_open, signal_ring, signal_wait, close_nothing},
    {"io_uring", true, true, uring_open, uring_ring, uring_wait, uring_close},
};
const int nw__bell_kinds_count = sizeof(nw__bell_kinds) / sizeof(nw__bell_kinds[0]);
