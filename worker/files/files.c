/* See files.h. */
#include "worker/files/files.h"
#include "common/base/valid.h"
#include "protect/gate/without.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/files/closing.h"
#include "worker/files/opened.h"
#include "worker/files/watches.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void nw_files_init(struct nw_files *files)
{
    pthread_mutex_init(&files->lock, NULL);
}

/* Nothing is watched yet: what was has been forgotten by nw_fd_close_all. */
void nw_files_open(struct nw_files *files, struct nw_account *account, struct nw_disk *disk)
{
    files->account = account;
    files->disk = disk;
    files->exposed = false;
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        files->fds[i] = (struct nw_domain_fd){.fd = -1};
}

static bool entry_is_valid(const struct nw_domain_fd *e)
{
    if (e->fd < 0)
        return !e->users && !e->closed && !e->opened;
    return (e->users || !e->closed) && (!e->opened || nw_opened_is_valid(e->opened));
}

/* Whether only epolls that are open watch the number, and only while it is open itself. */
static bool watchers_are_valid(const struct nw_files *files, size_t number)
{
    const struct nw_domain_fd *e = &files->fds[number];

    for (size_t word = 0; word < NW_DOMAIN_FDS / 64; word++)
        for (uint64_t bits = files->watched_by[number][word]; bits; bits &= bits - 1) {
            const struct nw_domain_fd *epoll = &files->fds[word * 64 + (size_t)__builtin_ctzll(bits)];

            if (e->fd < 0 || e->closed || epoll->fd < 0 || epoll->closed || !epoll->epoll)
                return false;
        }
    return true;
}

bool nw_files_is_valid(const struct nw_files *files)
{
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        if (!entry_is_valid(&files->fds[i]) || !watchers_are_valid(files, i))
            return false;
    return true;
}

static void unlock(struct nw_files *files)
{
    nw_check_valid(nw_files, files);
    pthread_mutex_unlock(&files->lock);
}

int nw_fd_use_file(struct nw_files *files, uint64_t number, struct nw_domain_fd *file)
{
    struct nw_domain_fd *e;

    if (nw_without(NW_DEFENCE_FILES) && files->exposed) {
        *file = (struct nw_domain_fd){.fd = (int)number};
        return file->fd;
    }
    pthread_mutex_lock(&files->lock);
    e = nw_fd_entry(files, (uint32_t)number);
    if (e) {
        *file = *e;
        e->users++;
    }
    unlock(files);
    return e ? file->fd : -EBADF;
}

int nw_fd_use(struct nw_files *files, uint64_t number)
{
    struct nw_domain_fd file;

    return nw_fd_use_file(files, number, &file);
}

static void clear(struct nw_files *files, struct nw_domain_fd *e)
{
    struct nw_opened *opened = e->opened;
    int fd = e->fd;

    *e = (struct nw_domain_fd){.fd = -1};
    if (opened) /* before another file can take the place of one that is gone */
        nw__opened_release(files, opened);
    nw_close(files, fd);
}

int nw_fd_duplicate(struct nw_files *files, const struct nw_domain_fd *file, struct nw_domain_fd *copy)
{
    *copy = (struct nw_domain_fd){
        .fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0), .opened = file->opened, .granted = file->granted};
    if (copy->fd < 0)
        return -errno;
    pthread_mutex_lock(&files->lock);
    if (copy->opened)
        nw__opened_hold(copy->opened);
    unlock(files);
    return 0;
}

void nw_fd_done(struct nw_files *files, uint64_t number)
{
    const uint64_t index = nw_without(NW_DEFENCE_ONCE) ? (uint32_t)number : nw_index(number, NW_DOMAIN_FDS);
    struct nw_domain_fd *e = &files->fds[index];

    if (nw_without(NW_DEFENCE_FILES) && files->exposed)
        return;
    pthread_mutex_lock(&files->lock);
    if (--e->users == 0 && e->closed)
        clear(files, e);
    unlock(files);
}

/* Closes a file for which there was no number. */
static void discard(struct nw_files *files, struct nw_domain_fd file)
{
    close(file.fd);
    if (!file.opened)
        return;
    pthread_mutex_lock(&files->lock);
    nw__opened_release(files, file.opened);
    unlock(files);
}

/* Lock held. The first free number at or above `from`, or -EMFILE. */
static long free_number(const struct nw_files *files, uint64_t from)
{
    uint64_t i = from < NW_FD_FIRST ? NW_FD_FIRST : from;

    while (i < NW_DOMAIN_FDS && files->fds[i].fd >= 0)
        i++;
    return i < NW_DOMAIN_FDS ? (long)i : -EMFILE;
}

long nw_fd_add(struct nw_files *files, struct nw_domain_fd file, uint64_t from)
{
    long result, error;

    pthread_mutex_lock(&files->lock);
    result = free_number(files, from);
    if (result < 0)
        nw_denied_note(&files->account->denied, NW_RESOURCE_DESCRIPTORS, true);
    error = result < 0 ? 0 : nw_share_take(files->account, NW_RESOURCE_DESCRIPTORS, 1);
    result = error ? error : result;
    if (result >= 0)
        files->fds[result] = file;
    unlock(files);
    if (result < 0)
        discard(files, file);
    return result;
}

/* Lock held. */
static void drop(struct nw_files *files, struct nw_domain_fd *e)
{
    nw__watch_forget(files, (uint64_t)(e - files->fds));
    if (e->users)
        e->closed = true;
    else
        clear(files, e);
}

long nw_fd_put(struct nw_files *files, uint64_t number, struct nw_domain_fd file)
{
    struct nw_domain_fd *e = number < NW_DOMAIN_FDS ? &files->fds[nw_index(number, NW_DOMAIN_FDS)] : NULL;
    long result = e ? (long)number : -EBADF, error = 0;

    pthread_mutex_lock(&files->lock);
    if (e && e->users)
        result = -EBUSY;
    else if (e && e->fd >= 0)
        drop(files, e);
    if (result >= 0)
        error = nw_share_take(files->account, NW_RESOURCE_DESCRIPTORS, 1);
    result = error ? error : result;
    if (result >= 0)
        *e = file;
    unlock(files);
    if (result < 0)
        discard(files, file);
    return result;
}

long nw_fd_close(struct nw_files *files, uint64_t number)
{
    struct nw_domain_fd *e;

    pthread_mutex_lock(&files->lock);
    e = nw_fd_entry(files, (uint32_t)number);
    if (e)
        drop(files, e);
    unlock(files);
    return e ? 0 : -EBADF;
}

void nw_fd_close_all(struct nw_files *files)
{
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        if (files->fds[i].fd >= 0) {
            memset(files->watched_by[i], 0, sizeof(files->watched_by[i]));
            clear(files, &files->fds[i]);
        }
    nw__closing_finish(files);
}
