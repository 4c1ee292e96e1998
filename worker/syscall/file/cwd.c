/* The working directory of a domain: see cwd.h. */
#include "worker/path/cwd.h"
#include "worker/base/fd_name.h"
#include "worker/domain/domain.h"
#include "worker/files/files.h"
#include "worker/path/path.h"
#include "worker/path/place.h"
#include "worker/syscall/syscall.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Links are resolved: what the kernel has found below the granted directory is put behind the directory's own path. */
static int resolve(const struct nw_directory *d, int fd, char path[PATH_MAX])
{
    char root[PATH_MAX], name[PATH_MAX];
    const char *below;
    struct stat st;
    size_t length;

    if (fstat(fd, &st) < 0 || !st.st_nlink || nw_fd_name(d->fd, root, sizeof(root)) < 0 ||
        nw_fd_name(fd, name, sizeof(name)) < 0)
        return -ENOENT;
    length = strcmp(root, "/") == 0 ? 0 : strlen(root);
    if (strncmp(name, root, length) != 0 || (name[length] && name[length] != '/'))
        return -ENOENT;
    below = strcmp(name + length, "/") == 0 ? "" : name + length;
    return snprintf(path, PATH_MAX, "%s%s", d->path, below) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int nw_cwd_init(struct nw_function *f, const char *cwd)
{
    const struct nw_directory *d = nw_path_granted(f, cwd);
    struct nw_place place = {.kind = NW_PLACE_GRANTED, .granted = d, .rest = "."};
    int fd, error;

    f->cwd = malloc(PATH_MAX);
    if (!f->cwd)
        return -ENOMEM;
    strcpy(f->cwd, "/");
    if (!d)
        return strcmp(cwd, "/") == 0 ? 0 : -ENOENT;
    place.dir = d->fd;
    if (cwd[d->length])
        place.rest = cwd + d->length + 1;
    fd = nw_place_directory(&place);
    if (fd < 0)
        return -ENOENT;
    error = resolve(d, fd, f->cwd);
    close(fd);
    return error;
}

/* The ".." that a relative path begins with are taken off the working directory: no link is a part of it. */
static const char *climb(const char *path, const char *cwd, size_t *length)
{
    for (;;) {
        path += strspn(path, "/");
        if (path[0] == '.' && (path[1] == '/' || !path[1])) {
            path++;
        } else if (path[0] == '.' && path[1] == '.' && (path[2] == '/' || !path[2])) {
            path += 2;
            while (*length > 0 && cwd[--*length] != '/')
                continue;
        } else {
            return path;
        }
    }
}

int nw_cwd_join(struct nw_domain *domain, char path[PATH_MAX])
{
    char cwd[PATH_MAX], whole[2 * PATH_MAX];
    size_t length;
    const char *rest;

    pthread_mutex_lock(&domain->memory_lock);
    memcpy(cwd, domain->cwd, PATH_MAX);
    pthread_mutex_unlock(&domain->memory_lock);
    length = strlen(cwd);
    rest = climb(path, cwd, &length);
    length = (size_t)snprintf(whole, sizeof(whole), "%.*s/%s", (int)length, cwd, rest);
    if (length >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(path, whole, length + 1);
    return 0;
}

static long enter(struct nw_domain *domain, const char path[PATH_MAX])
{
    pthread_mutex_lock(&domain->memory_lock);
    memcpy(domain->cwd, path, strlen(path) + 1);
    pthread_mutex_unlock(&domain->memory_lock);
    return 0;
}

static long enter_granted(struct nw_domain *domain, const struct nw_directory *d, int fd)
{
    char path[PATH_MAX];
    int error = resolve(d, fd, path);

    return error ? error : enter(domain, path);
}

static long enter_place(struct nw_call *call, struct nw_place *place)
{
    size_t length = strlen(place->path);
    long result;
    int fd;

    if (place->kind == NW_PLACE_ABOVE) {
        place->path[length > 1 && place->path[length - 1] == '/' ? length - 1 : length] = '\0';
        return enter(call->domain, place->path);
    }
    if (place->kind != NW_PLACE_GRANTED)
        return -EACCES;
    fd = nw_place_directory(place);
    if (fd < 0)
        return fd;
    result = enter_granted(call->domain, place->granted, fd);
    close(fd);
    return result;
}

long nw_sys_chdir(struct nw_call *call)
{
    struct nw_place place;
    long result = nw_place_find(call, (uint64_t)AT_FDCWD, call->args[0], &place);

    if (result)
        return result == -EPERM ? -ENOENT : result;
    result = enter_place(call, &place);
    nw_place_leave(call, &place);
    return result;
}

long nw_sys_fchdir(struct nw_call *call)
{
    struct nw_domain_fd file;
    struct stat st;
    int fd = nw_fd_use_file(call->domain, call->args[0], &file);
    long result;

    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
        result = -ENOTDIR;
    else
        result = file.granted ? enter_granted(call->domain, file.granted, fd) : -EACCES;
    nw_fd_done(call->domain, call->args[0]);
    return result;
}

long nw_sys_getcwd(struct nw_call *call)
{
    char path[PATH_MAX];
    size_t size;

    pthread_mutex_lock(&call->domain->memory_lock);
    memcpy(path, call->domain->cwd, sizeof(path));
    pthread_mutex_unlock(&call->domain->memory_lock);
    size = strlen(path) + 1;
    if (size > call->args[1])
        return -ERANGE;
    return nw_call_write(call, call->args[0], path, size) < 0 ? -EFAULT : (long)size;
}
