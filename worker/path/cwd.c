/* See cwd.h. */
#include "worker/path/cwd.h"
#include "worker/base/fd_name.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/path/beneath.h"
#include "worker/path/path.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

int nw_cwd_init(struct nw_deployed *f, const char *cwd)
{
    const struct nw_directory *d = nw__path_granted(f, cwd);
    int fd, error;

    f->cwd = malloc(PATH_MAX);
    if (!f->cwd)
        return -ENOMEM;
    strcpy(f->cwd, "/");
    if (!d)
        return strcmp(cwd, "/") == 0 ? 0 : -ENOENT;
    fd = nw__open_beneath(d->fd, cwd[d->length] ? cwd + d->length + 1 : ".", O_PATH | O_DIRECTORY, 0);
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

int nw__cwd_join(struct nw_domain *domain, char path[PATH_MAX])
{
    char cwd[PATH_MAX], whole[2 * PATH_MAX];
    size_t length;
    const char *rest;

    pthread_mutex_lock(&domain->files.lock);
    memcpy(cwd, domain->cwd, PATH_MAX);
    pthread_mutex_unlock(&domain->files.lock);
    length = strlen(cwd);
    rest = climb(path, cwd, &length);
    length = (size_t)snprintf(whole, sizeof(whole), "%.*s/%s", (int)length, cwd, rest);
    if (length >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(path, whole, length + 1);
    return 0;
}

int nw_cwd_enter(struct nw_domain *domain, const char path[PATH_MAX])
{
    pthread_mutex_lock(&domain->files.lock);
    memcpy(domain->cwd, path, strlen(path) + 1);
    pthread_mutex_unlock(&domain->files.lock);
    return 0;
}

int nw_cwd_enter_granted(struct nw_domain *domain, const struct nw_directory *d, int fd)
{
    char path[PATH_MAX];
    int error = resolve(d, fd, path);

    return error ? error : nw_cwd_enter(domain, path);
}

void nw_cwd_get(struct nw_domain *domain, char path[PATH_MAX])
{
    pthread_mutex_lock(&domain->files.lock);
    memcpy(path, domain->cwd, PATH_MAX);
    pthread_mutex_unlock(&domain->files.lock);
}
