/* See watches.h. */
#include "worker/files/watches.h"
#include "common/base/valid.h"
#include "protect/gate/without.h"
#include "worker/account/share.h"
#include "worker/files/files.h"
#include <errno.h>

#define WORD 64

static uint64_t *word_of(struct nw_files *files, uint64_t number, uint64_t epoll)
{
    return &files->watched_by[number][epoll / WORD];
}

static bool is_watched(struct nw_files *files, uint64_t number, uint64_t epoll)
{
    return *word_of(files, number, epoll) >> epoll % WORD & 1;
}

static void forget_one(struct nw_files *files, uint64_t number, uint64_t epoll)
{
    *word_of(files, number, epoll) &= ~(1ull << epoll % WORD);
    nw_share_give(files->account, NW_RESOURCE_WATCHES, 1);
}

static int add(struct nw_files *files, uint64_t epoll, uint64_t number, struct epoll_event *event)
{
    int error = nw_share_take(files->account, NW_RESOURCE_WATCHES, 1);

    if (error)
        return error;
    if (epoll_ctl(files->fds[epoll].fd, EPOLL_CTL_ADD, files->fds[number].fd, event) < 0) {
        error = -errno;
        nw_share_give(files->account, NW_RESOURCE_WATCHES, 1);
        return error;
    }
    *word_of(files, number, epoll) |= 1ull << epoll % WORD;
    return 0;
}

/* Lock held. */
static int change(struct nw_files *files, uint64_t epoll, int command, uint64_t number, struct epoll_event *event)
{
    if (!nw_fd_entry(files, epoll) || !nw_fd_entry(files, number))
        return -EBADF;
    if (!files->fds[epoll].epoll)
        return -EINVAL;
    if (command == EPOLL_CTL_ADD && !is_watched(files, number, epoll))
        return add(files, epoll, number, event);
    if (epoll_ctl(files->fds[epoll].fd, command, files->fds[number].fd, event) < 0)
        return -errno;
    if (command == EPOLL_CTL_DEL)
        forget_one(files, number, epoll);
    return 0;
}

int nw_watch_change(struct nw_files *files, uint64_t epoll, int command, uint64_t number, struct epoll_event event)
{
    int error;

    if (epoll >= NW_DOMAIN_FDS || number >= NW_DOMAIN_FDS)
        return -EBADF;
    epoll = nw_index(epoll, NW_DOMAIN_FDS);
    if (nw_without(NW_DEFENCE_FILES) && files->exposed)
        return epoll_ctl(files->fds[epoll].fd, command, (int)number, &event) < 0 ? -errno : 0;
    number = nw_index(number, NW_DOMAIN_FDS);
    pthread_mutex_lock(&files->lock);
    error = change(files, epoll, command, number, &event);
    nw_check_valid(nw_files, files);
    pthread_mutex_unlock(&files->lock);
    return error;
}

void nw__watch_forget(struct nw_files *files, uint64_t number)
{
    for (uint64_t epoll = 0; epoll < NW_DOMAIN_FDS; epoll++)
        if (is_watched(files, number, epoll)) {
            epoll_ctl(files->fds[epoll].fd, EPOLL_CTL_DEL, files->fds[number].fd, NULL);
            forget_one(files, number, epoll);
        }
    for (uint64_t other = 0; files->fds[number].epoll && other < NW_DOMAIN_FDS; other++)
        if (is_watched(files, other, number))
            forget_one(files, other, number);
}
