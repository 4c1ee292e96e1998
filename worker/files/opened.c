/* See opened.h. */
#include "worker/files/opened.h"
#include "common/base/valid.h"
#include "worker/account/share.h"
#include "worker/base/fd_name.h"
#include "worker/files/closing.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct nw_opened *nw_opened_new(const struct nw_files *files, const struct nw_domain_fd *file)
{
    struct nw_opened *opened = calloc(1, sizeof(*opened));

    if (!opened)
        return NULL;
    opened->disk = nw_disk_use(files->disk, file->fd);
    if (!opened->disk) {
        free(opened);
        return NULL;
    }
    opened->users = 1;
    nw__locks_init(&opened->locks);
    return opened;
}

bool nw_opened_is_valid(const struct nw_opened *opened)
{
    return opened->users && (!opened->owner || opened->owner->users) && opened->disk->users;
}

void nw__opened_hold(struct nw_opened *opened)
{
    nw_check_valid(nw_opened, opened);
    opened->users++;
}

static void owner_free(struct nw_files *files, struct nw_lock_owner *owner)
{
    nw_close(files, owner->fd);
    nw__locks_fini(files->account, &owner->locks);
    free(owner);
}

static void owner_release(struct nw_files *files, struct nw_lock_owner *owner)
{
    struct nw_lock_owner **link = &files->lock_owners;

    if (--owner->users)
        return;
    while (*link != owner)
        link = &(*link)->next;
    *link = owner->next;
    owner_free(files, owner);
}

void nw__opened_release(struct nw_files *files, struct nw_opened *opened)
{
    nw_check_valid(nw_opened, opened);
    if (--opened->users)
        return;
    nw__locks_fini(files->account, &opened->locks);
    if (opened->owner)
        owner_release(files, opened->owner);
    nw_disk_done(files->disk, opened->disk);
    free(opened);
}

/* Opens the file once more, with as many rights as can be had: read locks and write locks will be set through it. */
static int open_again(const struct nw_domain_fd *file)
{
    static const uint64_t rights[] = {O_RDWR, O_RDONLY, O_WRONLY};
    char link[NW_FD_LINK];
    long fd = -1;

    nw_fd_link(file->fd, link);
    for (size_t i = file->granted->writable ? 0 : 1; i < 3 && fd < 0; i++) {
        struct open_how how = {.flags = rights[i] | O_CLOEXEC | O_NONBLOCK | O_NOCTTY};

        fd = syscall(SYS_openat2, AT_FDCWD, link, &how, sizeof(how));
    }
    return fd < 0 ? -errno : (int)fd;
}

static struct nw_lock_owner *owner_new(struct nw_files *files, const struct nw_domain_fd *file, const struct stat *st,
                                       int *error)
{
    struct nw_lock_owner *owner;

    *error = nw_share_take(files->account, NW_RESOURCE_DESCRIPTORS, 1) < 0 ? -ENOLCK : 0;
    if (*error)
        return NULL;
    owner = calloc(1, sizeof(*owner));
    *error = owner ? open_again(file) : -ENOLCK;
    if (*error < 0) {
        nw_share_give(files->account, NW_RESOURCE_DESCRIPTORS, 1);
        free(owner);
        return NULL;
    }
    owner->fd = *error;
    *error = 0;
    owner->device = st->st_dev;
    owner->inode = st->st_ino;
    nw__locks_init(&owner->locks);
    return owner;
}

/* Gives the opening the owner of its file, if there is one. Lock held. */
static struct nw_lock_owner *find(struct nw_files *files, struct nw_opened *opened, const struct stat *st)
{
    struct nw_lock_owner *owner = opened->owner ? opened->owner : files->lock_owners;

    while (!opened->owner && owner && (owner->device != st->st_dev || owner->inode != st->st_ino))
        owner = owner->next;
    if (owner && !opened->owner) {
        owner->users++;
        opened->owner = owner;
    }
    return owner;
}

struct nw_lock_owner *nw_lock_owner_of(struct nw_files *files, const struct nw_domain_fd *file, int *error)
{
    struct nw_lock_owner *owner, *made;
    struct stat st;

    *error = fstat(file->fd, &st) < 0 ? -errno : 0;
    if (*error)
        return NULL;
    pthread_mutex_lock(&files->lock);
    owner = find(files, file->opened, &st);
    pthread_mutex_unlock(&files->lock);
    if (owner)
        return owner;
    made = owner_new(files, file, &st, error);
    if (!made)
        return NULL;
    pthread_mutex_lock(&files->lock);
    owner = find(files, file->opened, &st); /* another thread may have been faster */
    if (!owner) {
        made->next = files->lock_owners;
        files->lock_owners = made;
        owner = find(files, file->opened, &st);
    }
    pthread_mutex_unlock(&files->lock);
    if (owner != made)
        owner_free(files, made);
    return owner;
}
