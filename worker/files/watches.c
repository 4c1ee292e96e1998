/* See watches.h. */
#include "worker/files/watches.h"
#include "worker/account/share.h"
#include "worker/files/files.h"
#include <errno.h>

#define WORD 64

static uint64_t *word_of(struct nw_domain *domain, uint64_t number, uint64_t epoll)
{
    return &domain->watched_by[number][epoll / WORD];
}

static bool is_watched(struct nw_domain *domain, uint64_t number, uint64_t epoll)
{
    return *word_of(domain, number, epoll) >> epoll % WORD & 1;
}

static void forget_one(struct nw_domain *domain, uint64_t number, uint64_t epoll)
{
    *word_of(domain, number, epoll) &= ~(1ull << epoll % WORD);
    nw_share_give(&domain->account, NW_RESOURCE_WATCHES, 1);
}

static int add(struct nw_domain *domain, uint64_t epoll, uint64_t number, struct epoll_event *event)
{
    int error = nw_share_take(&domain->account, NW_RESOURCE_WATCHES, 1);

    if (error)
        return error;
    if (epoll_ctl(domain->fds[epoll].fd, EPOLL_CTL_ADD, domain->fds[number].fd, event) < 0) {
        error = -errno;
        nw_share_give(&domain->account, NW_RESOURCE_WATCHES, 1);
        return error;
    }
    *word_of(domain, number, epoll) |= 1ull << epoll % WORD;
    return 0;
}

/* Lock held. */
static int change(struct nw_domain *domain, uint64_t epoll, int command, uint64_t number, struct epoll_event *event)
{
    if (!nw_fd_entry(domain, epoll) || !nw_fd_entry(domain, number))
        return -EBADF;
    if (!domain->fds[epoll].epoll)
        return -EINVAL;
    if (command == EPOLL_CTL_ADD && !is_watched(domain, number, epoll))
        return add(domain, epoll, number, event);
    if (epoll_ctl(domain->fds[epoll].fd, command, domain->fds[number].fd, event) < 0)
        return -errno;
    if (command == EPOLL_CTL_DEL)
        forget_one(domain, number, epoll);
    return 0;
}

int nw_watch_change(struct nw_domain *domain, uint64_t epoll, int command, uint64_t number, struct epoll_event event)
{
    int error;

    if (epoll >= NW_DOMAIN_FDS || number >= NW_DOMAIN_FDS)
        return -EBADF;
    epoll = nw_index(epoll, NW_DOMAIN_FDS);
    if (nw_without(NW_DEFENCE_FILES) && domain->state == NW_DOMAIN_LIVE)
        return epoll_ctl(domain->fds[epoll].fd, command, (int)number, &event) < 0 ? -errno : 0;
    number = nw_index(number, NW_DOMAIN_FDS);
    pthread_mutex_lock(&domain->memory_lock);
    error = change(domain, epoll, command, number, &event);
    pthread_mutex_unlock(&domain->memory_lock);
    return error;
}

void nw_watch_forget(struct nw_domain *domain, uint64_t number)
{
    for (uint64_t epoll = 0; epoll < NW_DOMAIN_FDS; epoll++)
        if (is_watched(domain, number, epoll)) {
            epoll_ctl(domain->fds[epoll].fd, EPOLL_CTL_DEL, domain->fds[number].fd, NULL);
            forget_one(domain, number, epoll);
        }
    for (uint64_t other = 0; domain->fds[number].epoll && other < NW_DOMAIN_FDS; other++)
        if (is_watched(domain, other, number))
            forget_one(domain, other, number);
}
