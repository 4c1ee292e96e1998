/*
 * A blocking system call that a kick has cut short goes on. Where its domain has lost its key meanwhile, it goes on
 * when the domain has one again, and waits until its file is ready before it asks for one: a flow that waits for years
 * needs no key for that.
 */
#include "common/base/atomic.h"
#include "worker/base/config.h"
#include "worker/base/lock.h"
#include "worker/base/now.h"
#include "worker/domain/domain.h"
#include "worker/domain/free.h"
#include "worker/domain/keys.h"
#include "worker/domain/slot.h"
#include "worker/executor/wake.h"
#include "worker/run/deal.h"
#include "worker/syscall/call.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* What its file must be ready for, when the kernel uses pointers of the domain for it; 0: it does not. */
static short awaited(const struct nw_call *call)
{
    switch (call->number) {
    case SYS_read:
    case SYS_readv:
    case SYS_pread64:
    case SYS_preadv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
        return POLLIN;
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
        return POLLOUT;
    case SYS_sendto: /* with an address all of it is done by the monitor */
        return call->args[4] ? 0 : POLLOUT;
    default:
        return 0;
    }
}

/* The argument with the MSG flags, or NULL. */
static uint64_t *flags_of(struct nw_call *call)
{
    return call->number == SYS_recvfrom || call->number == SYS_sendto ? &call->args[3]
           : call->number == SYS_recvmsg                              ? &call->args[2]
                                                                      : NULL;
}

/* How long it may wait, in ms as poll takes it. */
static int patience(struct nw_call *call, short events)
{
    const uint64_t *flags = flags_of(call);
    struct timeval limit = {0};
    socklen_t size = sizeof(limit);
    int fd = (int)call->args[0];
    uint64_t now = nw_now();

    if (call->until)
        return now >= call->until ? 0 : (int)((call->until - now) / 1000000 + 1);
    if (fcntl(fd, F_GETFL) & O_NONBLOCK || (flags && *flags & MSG_DONTWAIT))
        return 0;
    getsockopt(fd, SOL_SOCKET, events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO, &limit, &size);
    if (!limit.tv_sec && !limit.tv_usec)
        return -1;
    return limit.tv_sec > INT_MAX / 2000 ? INT_MAX : (int)(limit.tv_sec * 1000 + limit.tv_usec / 1000 + 1);
}

/* Until the file is ready, or a kick comes. A call that has waited as long as it may does not wait anew. */
static void wait_ready(struct nw_call *call, short events)
{
    struct pollfd file = {.fd = (int)call->args[0], .events = events};
    int timeout = patience(call, events);
    const uint64_t args[6] = {(uint64_t)&file, 1, (uint64_t)(int64_t)timeout};
    uint64_t *flags = flags_of(call);

    if (timeout && nw_config()->gate->syscall_as(0, SYS_poll, args) == 0 && flags)
        *flags |= MSG_DONTWAIT;
}

/* False: the domain is dying. Without a key this executor keeps nobody from getting it. */
static bool give_up_rights(struct nw_call *call)
{
    bool lives;

    pthread_mutex_lock(&nw_monitor_lock);
    lives = call->domain->state != NW_DOMAIN_DYING;
    if (lives && !nw_key_usable(call->domain)) {
        nw_slot_move(call->slot, NW_SLOT_BARE);
        call->ex->has_rights = false;
        call->ex->gate.page->pkru = nw_gate_rights_none();
        nw_keys_deal();
        nw_wake_executor();
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return lives;
}

/* False: the domain is dying. */
static bool regain_rights(struct nw_call *call)
{
    struct nw_domain *domain = call->domain;
    bool lives;

    pthread_mutex_lock(&nw_monitor_lock);
    domain->n_key_waiters++;
    while ((lives = domain->state != NW_DOMAIN_DYING) && !nw_key_usable(domain)) {
        nw_key_want(domain, call->slot->sequence & 1);
        nw_wake_executor();
        pthread_cond_wait(&domain->key_given, &nw_monitor_lock);
    }
    domain->n_key_waiters--;
    if (lives) {
        nw_slot_move(call->slot, NW_SLOT_RUNNING);
        call->ex->has_rights = true;
        call->ex->gate.page->pkru = call->slot->gate.pkru;
    }
    pthread_mutex_unlock(&nw_monitor_lock);
    return lives;
}

bool nw_call_cut_short(struct nw_call *call, long result)
{
    short events = awaited(call);
    bool lives;

    if (!call->ex->blocked || (result != -EINTR && result != -NW_CALL_CUT))
        return false;
    if (nw_load_relaxed(&call->slot->signalled)) { /* stored by who then kicks */
        call->interrupted = true;
        return false;
    }
    call->ex->gate.pending = 0; /* a kick that comes from now on cuts what follows short */
    lives = give_up_rights(call);
    if (lives && call->slot->state == NW_SLOT_BARE && (events || call->number == SYS_getrandom)) {
        if (events)
            wait_ready(call, events);
        lives = regain_rights(call);
    }
    if (!lives)
        call->ex->gate.pending = 1;
    return lives;
}
