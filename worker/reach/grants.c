/*
 * What a function is granted, from the lists of its manifest: addresses to connect to, and directories, which the
 * engine opened. Says nothing of what is done with them (syscall/file/socket.c, syscall/file/path.c).
 */
#include "worker/reach/grants.h"
#include "common/base/log.h"
#include "worker/domain/deployed.h"
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Not in the headers of Debian 12 under a name of their own, or not at all. */
#define DEVPTS_MAGIC 0x1cd1
#define MQUEUE_MAGIC 0x19800202
#define CONFIG_MAGIC 0x62656570

/* File systems whose files are the kernel, not data: with /proc a function could write any memory of the process. */
static bool is_kernel(int fd)
{
    static const long kinds[] = {
        PROC_SUPER_MAGIC,    SYSFS_MAGIC,    DEBUGFS_MAGIC,  TRACEFS_MAGIC,  SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,   DEVPTS_MAGIC,   MQUEUE_MAGIC,   CONFIG_MAGIC,     SELINUX_MAGIC,
        NSFS_MAGIC,          BINFMTFS_MAGIC, EFIVARFS_MAGIC, PSTOREFS_MAGIC,
    };
    struct statfs fs;

    if (fstatfs(fd, &fs) < 0)
        return true;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (fs.f_type == kinds[i])
            return true;
    return false;
}

int nw_grants_reach(struct nw_deployed *f, const struct nw_address_grant *addresses, size_t n)
{
    struct nw_address_grant *copy = malloc(sizeof(*copy) * n + 1), *old;

    if (!copy)
        return -ENOMEM;
    memcpy(copy, addresses, sizeof(*copy) * n);
    pthread_mutex_lock(&f->reach.lock);
    old = f->reach.addresses;
    f->reach.addresses = copy;
    f->reach.n = n;
    pthread_mutex_unlock(&f->reach.lock);
    free(old);
    return 0;
}

bool nw_grants_reached(struct nw_deployed *f, const uint8_t address[16], uint16_t port)
{
    bool covered = f->reach.everything;

    if (covered)
        return true;
    pthread_mutex_lock(&f->reach.lock);
    covered = nw_grant_covers(f->reach.addresses, f->reach.n, address, port);
    pthread_mutex_unlock(&f->reach.lock);
    return covered;
}

static int take_addresses(struct nw_deployed *f, const char *connect)
{
    struct nw_address_grant grants[NW_ADDRESSES_MAX];
    char why[256];
    int n = nw_grant_addresses(connect, grants, why, sizeof(why));

    if (n < 0)
        return n;
    f->reach.everything = !connect[strspn(connect, " ")];
    return nw_grants_reach(f, grants, (size_t)n);
}

static int take_directories(struct nw_deployed *f, const char *directories, const int *fds, int n_fds)
{
    struct nw_directory_grant *grants = calloc(NW_DIRECTORIES_MAX, sizeof(*grants));
    char why[256];
    int n = grants ? nw_grant_directories(directories, grants, why, sizeof(why)) : -ENOMEM;
    int error = n < 0 ? n : n != n_fds ? -EINVAL : 0;

    for (int i = 0; i < n_fds && !error; i++) {
        struct nw_directory *d = &f->directories[i];

        *d = (struct nw_directory){.path = strdup(grants[i].path), .fd = dup(fds[i]), .writable = grants[i].writable};
        f->n_directories++;
        error = !d->path || d->fd < 0 ? -ENOMEM : is_kernel(d->fd) ? -EPERM : 0;
        d->length = d->path ? strlen(d->path) : 0;
    }
    free(grants);
    return error;
}

int nw_grants_init(struct nw_deployed *f, const char *connect, const char *directories, const int *fds, int n_fds)
{
    int error = take_addresses(f, connect);

    if (!error)
        error = take_directories(f, directories, fds, n_fds);
    for (int i = 0; i < n_fds; i++)
        close(fds[i]);
    return error;
}

void nw_grants_fini(struct nw_deployed *f)
{
    for (uint32_t i = 0; i < f->n_directories; i++) {
        free(f->directories[i].path);
        if (f->directories[i].fd >= 0)
            close(f->directories[i].fd);
    }
    f->n_directories = 0;
    free(f->reach.addresses);
    f->reach.addresses = NULL;
}
