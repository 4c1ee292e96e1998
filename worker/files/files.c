/* See files.h. */
#include "worker/files/files.h"
#include "worker/account/denied.h"
#include "worker/account/share.h"
#include "worker/files/closing.h"
#include "worker/files/opened.h"
#include "worker/files/watches.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct nw_domain_fd *nw_fd_entry(struct nw_domain *domain, uint64_t number)
{
    struct nw_domain_fd *e = number < NW_DOMAIN_FDS ? &domain->fds[nw_index(number, NW_DOMAIN_FDS)] : NULL;

    return e && e->fd >= 0 && !e->closed ? e : NULL;
}

int nw_fd_use_file(struct nw_domain *domain, uint64_t number, struct nw_domain_fd *file)
{
    struct nw_domain_fd *e;

    if (nw_without(NW_DEFENCE_FILES) && domain->state == NW_DOMAIN_LIVE) {
        *file = (struct nw_domain_fd){.fd = (int)number};
        return file->fd;
    }
    pthread_mutex_lock(&domain->memory_lock);
    e = nw_fd_entry(domain, (uint32_t)number);
    if (e) {
        *file = *e;
        e->users++;
    }
    pthread_mutex_unlock(&domain->memory_lock);
    return e ? file->fd : -EBADF;
}

int nw_fd_use(struct nw_domain *domain, uint64_t number)
{
    struct nw_domain_fd file;

    return nw_fd_use_file(domain, number, &file);
}

static void clear(struct nw_domain *domain, struct nw_domain_fd *e)
{
    struct nw_opened *opened = e->opened;
    int fd = e->fd;

    *e = (struct nw_domain_fd){.fd = -1};
    nw_close(domain, fd);
    if (opened)
        nw_opened_release(domain, opened);
}

int nw_fd_duplicate(struct nw_domain *domain, const struct nw_domain_fd *file, struct nw_domain_fd *copy)
{
    *copy = (struct nw_domain_fd){
        .fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0), .opened = file->opened, .granted = file->granted};
    if (copy->fd < 0)
        return -errno;
    pthread_mutex_lock(&domain->memory_lock);
    if (copy->opened)
        nw_opened_hold(copy->opened);
    pthread_mutex_unlock(&domain->memory_lock);
    return 0;
}

void nw_fd_done(struct nw_domain *domain, uint64_t number)
{
    const uint64_t index = nw_without(NW_DEFENCE_ONCE) ? (uint32_t)number : nw_index(number, NW_DOMAIN_FDS);
    struct nw_domain_fd *e = &domain->fds[index];

    if (nw_without(NW_DEFENCE_FILES) && domain->state == NW_DOMAIN_LIVE)
        return;
    pthread_mutex_lock(&domain->memory_lock);
    if (--e->users == 0 && e->closed)
        clear(domain, e);
    pthread_mutex_unlock(&domain->memory_lock);
}

/* What finds no number. */
static void discard(struct nw_domain *domain, struct nw_domain_fd file)
{
    close(file.fd);
    if (!file.opened)
        return;
    pthread_mutex_lock(&domain->memory_lock);
    nw_opened_release(domain, file.opened);
    pthread_mutex_unlock(&domain->memory_lock);
}

/* Lock held. The first free number at or above `from`, or -EMFILE. */
static long free_number(const struct nw_domain *domain, uint64_t from)
{
    uint64_t i = from < NW_FD_FIRST ? NW_FD_FIRST : from;

    while (i < NW_DOMAIN_FDS && domain->fds[i].fd >= 0)
        i++;
    return i < NW_DOMAIN_FDS ? (long)i : -EMFILE;
}

long nw_fd_add(struct nw_domain *domain, struct nw_domain_fd file, uint64_t from)
{
    long result, error;

    pthread_mutex_lock(&domain->memory_lock);
    result = free_number(domain, from);
    if (result < 0)
        nw_denied_note(&domain->account.denied, NW_RESOURCE_DESCRIPTORS, true);
    error = result < 0 ? 0 : nw_share_take(&domain->account, NW_RESOURCE_DESCRIPTORS, 1);
    result = error ? error : result;
    if (result >= 0)
        domain->fds[result] = file;
    pthread_mutex_unlock(&domain->memory_lock);
    if (result < 0)
        discard(domain, file);
    return result;
}

/* Lock held. */
static void drop(struct nw_domain *domain, struct nw_domain_fd *e)
{
    nw_watch_forget(domain, (uint64_t)(e - domain->fds));
    if (e->users)
        e->closed = true;
    else
        clear(domain, e);
}

long nw_fd_put(struct nw_domain *domain, uint64_t number, struct nw_domain_fd file)
{
    struct nw_domain_fd *e = number < NW_DOMAIN_FDS ? &domain->fds[nw_index(number, NW_DOMAIN_FDS)] : NULL;
    long result = e ? (long)number : -EBADF, error = 0;

    pthread_mutex_lock(&domain->memory_lock);
    if (e && e->users)
        result = -EBUSY;
    else if (e && e->fd >= 0)
        drop(domain, e);
    if (result >= 0)
        error = nw_share_take(&domain->account, NW_RESOURCE_DESCRIPTORS, 1);
    result = error ? error : result;
    if (result >= 0)
        *e = file;
    pthread_mutex_unlock(&domain->memory_lock);
    if (result < 0)
        discard(domain, file);
    return result;
}

long nw_fd_close(struct nw_domain *domain, uint64_t number)
{
    struct nw_domain_fd *e;

    pthread_mutex_lock(&domain->memory_lock);
    e = nw_fd_entry(domain, (uint32_t)number);
    if (e)
        drop(domain, e);
    pthread_mutex_unlock(&domain->memory_lock);
    return e ? 0 : -EBADF;
}

void nw_fd_close_all(struct nw_domain *domain)
{
    for (size_t i = 0; i < NW_DOMAIN_FDS; i++)
        if (domain->fds[i].fd >= 0)
            clear(domain, &domain->fds[i]);
    nw_closing_finish(domain);
}
