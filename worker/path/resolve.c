/* See resolve.h. */
#include "worker/path/resolve.h"
#include "common/base/atomic.h"
#include "common/host/mode.h"
#include "worker/base/config.h"
#include "worker/base/fd_name.h"
#include "worker/base/limits.h"
#include "worker/base/ops.h"
#include "worker/domain/domain.h"
#include "worker/files/files.h"
#include "worker/image/programs.h"
#include "worker/path/beneath.h"
#include "worker/path/cwd.h"
#include "worker/path/libc_files.h"
#include "worker/path/path.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODE_BITS 0777

static bool is_one_of(const char *path, const char *const *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(path, files[i]) == 0)
            return true;
    return false;
}

/* The host's shared libraries and what they need to be found. */
static bool is_library(const char *path)
{
    static const char *const prefixes[] = {"/lib/",       "/lib64/",         "/usr/lib/",
                                           "/usr/lib64/", "/usr/local/lib/", "/usr/share/zoneinfo/"};
    static const char *const files[] = {"/etc/ld.so.cache", "/etc/localtime"};

    if (nw_without(NW_DEFENCE_PATHS))
        return true;
    if (strstr(path, "/.."))
        return false;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return is_one_of(path, files, sizeof(files) / sizeof(files[0]));
}

/* Harmless devices, which libraries open when they need them. */
static bool is_device(const char *path)
{
    return strcmp(path, "/dev/null") == 0 || strcmp(path, "/dev/urandom") == 0;
}

/* What libc reads to look up a name of a host. */
static bool is_resolver(const char *path)
{
    static const char *const files[] = {"/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf", "/etc/host.conf",
                                        "/etc/gai.conf",    "/etc/services", "/etc/protocols"};

    return is_one_of(path, files, sizeof(files) / sizeof(files[0]));
}

/* Certificates of authorities that vouch for servers, but not the private keys that lie beside them. */
static bool is_certificate(const char *path)
{
    static const char *const folders[] = {"/etc/ssl/certs", "/usr/share/ca-certificates",
                                          "/usr/local/share/ca-certificates"};

    if (strstr(path, "/.."))
        return false;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        size_t length = strlen(folders[i]);

        if (strncmp(path, folders[i], length) == 0 && (path[length] == '/' || path[length] == '\0'))
            return true;
    }
    return strcmp(path, "/etc/ssl/openssl.cnf") == 0;
}

static bool is_own(const struct nw_domain *domain, const char *path)
{
    return strncmp(path, NW_OWN_FOLDER, strlen(NW_OWN_FOLDER)) == 0 &&
           strcmp(path + strlen(NW_OWN_FOLDER), domain->function->name) == 0;
}

static const char *skip_slashes(const char *path)
{
    path += strspn(path, "/");
    return *path ? path : ".";
}

/* Relative to a directory below a granted one, which the function has open. */
static int find_relative(struct nw_domain *domain, uint64_t number, struct nw_resolved *place)
{
    struct nw_domain_fd file;
    int fd = nw_fd_use_file(&domain->files, number, &file);

    if (fd < 0)
        return fd;
    place->used = true;
    place->kind = NW_RESOLVED_GRANTED;
    place->number = number;
    place->dir = fd;
    place->granted = file.granted;
    if (file.granted)
        return 0;
    nw_fd_done(&domain->files, number);
    return -ENOENT;
}

/* While a function is loaded it reads the host's libraries; afterwards those that libc needs, and with profile files
 * all, for a later dlopen. Loading has ended when faas_init and the first faas_create_func_worker have returned; what
 * that may do, it may also do for the func workers that are made later. */
static bool may_read_libraries(const struct nw_domain *domain)
{
    return nw_load_acquire(&domain->state) == NW_DOMAIN_STARTING || /* stored when it is up, in deployed.c */
           !nw_load_relaxed(&domain->grower) ||                     /* stored by nw__extra_make and nw_extra_made */
           domain->function->profile & NW_PROFILE_FILES;
}

/* Where a tidy path leads, by its text. */
static enum nw_resolved_kind kind_of(const struct nw_domain *domain, const struct nw_resolved *place)
{
    if (place->granted)
        return NW_RESOLVED_GRANTED;
    if (nw__path_is_above(domain->function, place->path))
        return NW_RESOLVED_ABOVE;
    return is_own(domain, place->path) ? NW_RESOLVED_OWN : NW_RESOLVED_LIBRARY;
}

/* The path, absolute or relative to an open directory, as the text says where it leads. 0 or negative errno. */
static int spell(struct nw_domain *domain, uint64_t number, struct nw_resolved *place)
{
    int error = 0;

    place->used = false;
    place->granted = NULL;
    place->dir = -1;
    place->rest = place->path;
    if (!place->path[0])
        return -ENOENT;
    if (place->path[0] != '/' && (int)number == AT_FDCWD)
        error = nw__cwd_join(domain, place->path);
    if (place->path[0] == '/')
        nw__path_tidy(domain->function, place->path);
    return error;
}

/* Files that a function may read at any time. */
static bool is_always_read(const struct nw_domain *domain, const char *path)
{
    bool net = domain->function->profile & NW_PROFILE_NET;

    return nw__libc_reads(path) || is_device(path) || (net && (is_resolver(path) || is_certificate(path)));
}

int nw_resolve(struct nw_domain *domain, uint64_t number, struct nw_resolved *place)
{
    int error = spell(domain, number, place);
    bool always;

    if (error)
        return error;
    if (place->path[0] != '/')
        return find_relative(domain, number, place);
    place->granted = nw__path_granted(domain->function, place->path);
    place->kind = kind_of(domain, place);
    if (place->kind == NW_RESOLVED_GRANTED) {
        place->dir = place->granted->fd;
        place->rest = skip_slashes(place->path + place->granted->length);
    }
    if (place->kind == NW_RESOLVED_GRANTED || place->kind == NW_RESOLVED_ABOVE)
        return 0;
    always = is_always_read(domain, place->path);
    if (!always && place->kind == NW_RESOLVED_LIBRARY && !is_library(place->path))
        return -ENOENT;
    return always || may_read_libraries(domain) ? 0 : -EPERM;
}

void nw_resolved_leave(struct nw_domain *domain, const struct nw_resolved *place)
{
    if (place->used)
        nw_fd_done(&domain->files, place->number);
}

/* Keeps a file or a directory; closes anything else, such as a device or a pipe that somebody left there. */
static int keep_plain(int fd)
{
    struct stat st;

    if (fd < 0 || (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))))
        return fd;
    close(fd);
    return -EACCES;
}

static int open_granted(const struct nw_resolved *place, uint64_t flags, uint64_t mode)
{
    bool changes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC);

    if (flags & O_PATH)
        return nw__open_beneath(place->dir, place->rest, flags, 0);
    if (changes && !place->granted->writable)
        return -EROFS;
    return keep_plain(nw__open_beneath(place->dir, place->rest, flags | O_NOCTTY | O_NONBLOCK,
                                       flags & O_CREAT ? mode & MODE_BITS : 0));
}

/* Opens the function's file once more: a duplicate would share its read position with every other domain of the
 * function. */
static int open_own(const struct nw_domain *domain)
{
    char link[NW_FD_LINK];
    int fd = open(nw_fd_link(domain->function->so, link), O_RDONLY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* In mode process the filter of a function without files has no openat2; there magic links gain nobody anything. */
static int open_library(const char *path, uint64_t flags)
{
    int fd;

    if (nw_config()->mode != NW_MODE_PROCESS)
        return nw__open_in(AT_FDCWD, path, flags, 0, RESOLVE_NO_MAGICLINKS);
    fd = open(path, (int)flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int nw_resolved_open(const struct nw_domain *domain, const struct nw_resolved *place, uint64_t flags, uint64_t mode)
{
    if (place->kind == NW_RESOLVED_GRANTED)
        return open_granted(place, flags, mode);
    if (place->kind == NW_RESOLVED_ABOVE || (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC))
        return -EACCES;
    if (place->kind == NW_RESOLVED_OWN)
        return open_own(domain);
    if (flags & O_PATH)
        return open_library(place->path, O_PATH);
    return open_library(place->path, O_RDONLY | O_NOCTTY | O_NONBLOCK | (flags & O_DIRECTORY));
}

/* It belongs to whom the loader belongs to that the monitor opened: root, which in a user namespace is seen under
 * another number. */
static bool is_host(const struct nw_resolved *place, int fd)
{
    struct stat st, loader;

    return place->kind == NW_RESOLVED_LIBRARY && fstat(fd, &st) == 0 && fstat(nw_program_loader(), &loader) == 0 &&
           st.st_uid == loader.st_uid && st.st_mode & S_IROTH && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* They hold known WRPKRU and XRSTOR sites that nothing here calls. */
static bool is_trusted(const struct nw_resolved *place)
{
    const char *name = strrchr(place->path, '/');

    return name && (strcmp(name, "/libc.so.6") == 0 || strcmp(name, "/ld-linux-x86-64.so.2") == 0);
}

bool nw_resolved_is_host(const struct nw_resolved *place, int fd, bool *trust)
{
    const bool host = is_host(place, fd);

    *trust = host && is_trusted(place);
    return host;
}

int nw_resolved_parent(const struct nw_resolved *place, char base[NAME_MAX + 1])
{
    char parent[PATH_MAX];
    const char *slash;
    size_t length;

    if (place->kind != NW_RESOLVED_GRANTED || !place->granted->writable)
        return -EROFS;
    length = strlen(place->rest);
    while (length > 1 && place->rest[length - 1] == '/')
        length--;
    snprintf(parent, sizeof(parent), "%.*s", (int)length, place->rest);
    slash = strrchr(parent, '/');
    length = strlen(slash ? slash + 1 : parent);
    if (length > NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(base, slash ? slash + 1 : parent, length + 1);
    if (strcmp(base, ".") == 0)
        return -EBUSY; /* the granted directory itself */
    if (!*base || strcmp(base, "..") == 0)
        return -EINVAL;
    snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - parent) : 1, slash ? place->rest : ".");
    return nw__open_beneath(place->dir, parent, O_PATH | O_DIRECTORY, 0);
}

int nw_resolved_directory(const struct nw_resolved *place)
{
    return nw__open_beneath(place->dir, place->rest, O_PATH | O_DIRECTORY, 0);
}
