/* See library.h. */
#include "worker/image/library.h"
#include "worker/base/fd_name.h"
#include "worker/image/programs.h"
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_same(const struct stat *file, int other)
{
    struct stat st;

    return fstat(other, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

static void describe(const struct stat *st, struct nw_library *library)
{
    library->device = st->st_dev;
    library->inode = st->st_ino;
    library->size = (uint64_t)st->st_size;
    library->modified = st->st_mtim.tv_sec;
    library->modified_ns = st->st_mtim.tv_nsec;
    library->changed = st->st_ctim.tv_sec;
    library->changed_ns = st->st_ctim.tv_nsec;
}

/* What the kernel calls the file, with the path of the granted directory in place of what it calls that. */
static int name_file(int fd, const struct nw_library_folder *folder, char name[NW_LIBRARY_PATH])
{
    char path[PATH_MAX], root[PATH_MAX];
    size_t length = 0;
    int n;

    if (nw_fd_name(fd, path, sizeof(path)) < 0 || (folder && nw_fd_name(folder->fd, root, sizeof(root)) < 0))
        return -ENOENT;
    if (folder) {
        length = strlen(root);
        if (strncmp(path, root, length) != 0 || path[length] != '/')
            return -ENOENT;
    }
    n = snprintf(name, NW_LIBRARY_PATH, "%s%s", folder ? folder->path : "", path + length);
    return n > 0 && n < NW_LIBRARY_PATH && name[0] == '/' ? 0 : -ENAMETOOLONG;
}

int nw_library_of(int fd, int own, const struct nw_library_folder *folder, struct nw_library *library)
{
    struct stat st;

    memset(library, 0, sizeof(*library));
    if (fstat(fd, &st) < 0)
        return -errno;
    if (is_same(&st, own))
        library->kind = NW_LIBRARY_OWN;
    else if (is_same(&st, nw_program_stub()))
        library->kind = NW_LIBRARY_STUB;
    else if (is_same(&st, nw_program_loader()))
        library->kind = NW_LIBRARY_LOADER;
    else
        library->kind = NW_LIBRARY_PATH_OF;
    if (library->kind == NW_LIBRARY_OWN || library->kind == NW_LIBRARY_STUB)
        return 0;
    describe(&st, library);
    return library->kind == NW_LIBRARY_LOADER ? 0 : name_file(fd, folder, library->path);
}

bool nw_library_is(const struct nw_library *library, int fd)
{
    struct nw_library now = {.kind = library->kind};
    struct stat st;

    if (library->kind == NW_LIBRARY_OWN || library->kind == NW_LIBRARY_STUB)
        return true;
    if (fstat(fd, &st) < 0)
        return false;
    describe(&st, &now);
    return now.device == library->device && now.inode == library->inode && now.size == library->size &&
           now.modified == library->modified && now.modified_ns == library->modified_ns &&
           now.changed == library->changed && now.changed_ns == library->changed_ns;
}

struct shared {
    struct shared *next;
    uint64_t users;
    int fd;
};

static struct shared *all;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards them */

/* The link to the one with this file, or to the end. */
static struct shared **find_same(const struct stat *file)
{
    struct shared **link = &all;

    while (*link && !is_same(file, (*link)->fd))
        link = &(*link)->next;
    return link;
}

static int share_locked(int fd, const struct stat *file)
{
    struct shared **link = find_same(file);

    if (*link) {
        (*link)->users++;
        close(fd);
        return (*link)->fd;
    }
    *link = calloc(1, sizeof(**link));
    if (*link)
        **link = (struct shared){.users = 1, .fd = fd};
    return fd;
}

int nw_library_share(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return fd;
    pthread_mutex_lock(&lock);
    fd = share_locked(fd, &st);
    pthread_mutex_unlock(&lock);
    return fd;
}

void nw_library_drop(int fd)
{
    struct shared **link = &all, *last = NULL;
    bool there;

    pthread_mutex_lock(&lock);
    while (*link && (*link)->fd != fd)
        link = &(*link)->next;
    there = *link;
    if (there && --(*link)->users == 0) {
        last = *link;
        *link = last->next;
    }
    pthread_mutex_unlock(&lock);
    if (last || !there)
        close(fd);
    free(last);
}
