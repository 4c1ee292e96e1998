/*
 * A new root for a worker: a small read-only tmpfs onto which pieces of the host are mounted. The list is what the
 * monitor lets domains name (worker/path/resolve.c) and what the monitor itself opens. Paths that a host does not have
 * are left out; symbolic links are made anew.
 */
#include "launcher/view.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READ_ONLY    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define DEVICE       (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)
#define ROOT_OPTIONS "mode=0755,size=64k,nr_inodes=64"

static const struct {
    const char *path;
    uint64_t attributes;
} pieces[] = {
    {"/lib", READ_ONLY},
    {"/lib64", READ_ONLY},
    {"/usr/lib", READ_ONLY},
    {"/usr/lib64", READ_ONLY},
    {"/usr/local/lib", READ_ONLY},
    {"/usr/share/zoneinfo", READ_ONLY},
    {"/etc/ld.so.cache", READ_ONLY},
    {"/etc/localtime", READ_ONLY},
    {"/etc/alternatives", READ_ONLY},    /* links from /usr/lib lead there, */
    {"/etc/ssl/openssl.cnf", READ_ONLY}, /* and here */
    {"/dev/null", DEVICE},
    {"/dev/urandom", DEVICE},
};

/* Whom a server may be vouched for by. */
static const char *const certificates[] = {"/etc/ssl/certs", "/usr/share/ca-certificates",
                                           "/usr/local/share/ca-certificates"};

/* Files, whatever links lead to them. */
static const char *const resolver[] = {
    "/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf", "/etc/host.conf",
    "/etc/gai.conf",    "/etc/services", "/etc/protocols",
};

/* The directories above `path`, in the new root that is the working directory. */
static int make_parents(const char *path)
{
    char directory[PATH_MAX];

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
        if (mkdir(directory, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

static int copy_link(const char *from, const char *to)
{
    char target[PATH_MAX];
    ssize_t n = readlink(from, target, sizeof target - 1);

    if (n < 0)
        return -errno;
    target[n] = '\0';
    return symlink(target, to) == 0 ? 0 : -errno;
}

/* With everything that is mounted below it. */
static int mount_piece(const char *from, const char *to, uint64_t attributes)
{
    struct mount_attr attr = {.attr_set = attributes};
    int tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    int rc = 0;

    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0 ||
        move_mount(tree, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        rc = -errno;
    if (tree >= 0)
        close(tree);
    return rc;
}

/* An empty place for something of this kind to be mounted on. */
static int make_place(const char *path, bool directory)
{
    int rc = directory ? mkdir(path, 0755) : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

    if (rc < 0)
        return -errno;
    if (!directory)
        close(rc);
    return 0;
}

static int add_piece(const char *from, uint64_t attributes)
{
    const char *to = from + 1;
    struct stat st;
    int rc;

    if (lstat(from, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    rc = make_parents(to);
    if (rc < 0 || S_ISLNK(st.st_mode))
        return rc < 0 ? rc : copy_link(from, to);
    rc = make_place(to, S_ISDIR(st.st_mode));
    return rc < 0 ? rc : mount_piece(from, to, attributes);
}

static int add_network(void)
{
    int rc = 0;

    for (size_t i = 0; i < sizeof certificates / sizeof certificates[0] && rc == 0; i++)
        rc = add_piece(certificates[i], READ_ONLY);

    for (size_t i = 0; i < sizeof resolver / sizeof resolver[0] && rc == 0; i++)
        if (access(resolver[i], F_OK) == 0) {
            rc = make_place(resolver[i] + 1, false);
            rc = rc < 0 ? rc : mount_piece(resolver[i], resolver[i] + 1, READ_ONLY);
        }
    return rc;
}

/* Its own processes only; where the kernel does not give a user namespace a new /proc, the one that there is. */
static int add_proc(void)
{
    if (mkdir("proc", 0555) < 0)
        return -errno;
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=invisible,subset=pid") == 0)
        return 0;
    return mount_piece("/proc", "proc", READ_ONLY);
}

static int fill(bool network)
{
    int rc = add_proc();

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0] && rc == 0; i++)
        rc = add_piece(pieces[i].path, pieces[i].attributes);
    return rc == 0 && network ? add_network() : rc;
}

/* The working directory becomes the root, and what was the root is gone. */
static int enter(void)
{
    struct mount_attr read_only = {.attr_set = READ_ONLY};

    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    return mount_setattr(AT_FDCWD, "/", 0, &read_only, sizeof read_only) == 0 ? 0 : -errno;
}

/* Some directory that hides nothing that is needed. */
static int mount_root(void)
{
    static const char *const places[] = {"/tmp", "/mnt", "/run", "/var", "/home"};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (mount("nightward", places[i], "tmpfs", MS_NOSUID | MS_NODEV, ROOT_OPTIONS) == 0)
            return chdir(places[i]) == 0 ? 0 : -errno;
    return -errno;
}

int nw__view_make(bool network)
{
    mode_t mask = umask(0);
    int rc = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : -errno;

    if (rc == 0)
        rc = mount_root();
    if (rc == 0)
        rc = fill(network);
    if (rc == 0)
        rc = enter();
    umask(mask);
    return rc;
}
