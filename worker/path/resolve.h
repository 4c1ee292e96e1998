/*
 * Where a path of a function leads: to a library of the host, to its own shared object, into a granted directory, or
 * nowhere. A path is copied once, and only the copy is looked at. Everything below a granted directory is reached
 * through the directory's descriptor, never above it: not by "..", links, mounts or the kernel's magic links.
 */
#ifndef NW_WORKER_PATH_RESOLVE_H
#define NW_WORKER_PATH_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct nw_directory;
struct nw_domain;

enum nw_resolved_kind {
    NW_RESOLVED_LIBRARY,
    NW_RESOLVED_OWN,
    NW_RESOLVED_GRANTED,
    NW_RESOLVED_ABOVE, /* "/", or a directory that leads to a granted one: it can be passed and named, not read */
};

struct nw_resolved {
    enum nw_resolved_kind kind;
    const struct nw_directory *granted;
    int dir;   /* granted: what `rest` starts from, this directory or one below it */
    bool used; /* `dir` is the domain's file `number`, in use */
    uint64_t number;
    const char *rest;
    char path[PATH_MAX]; /* set by who asks; the domain may have changed its own meanwhile */
};

/* The place of `place->path`, relative to the domain's file `number` or, for AT_FDCWD, its working directory. 0;
 * -ENOENT: nowhere; -EPERM: refused, because the function has been loaded. nw_resolved_leave afterwards, when it was 0.
 */
int nw_resolve(struct nw_domain *domain, uint64_t number, struct nw_resolved *place);
void nw_resolved_leave(struct nw_domain *domain, const struct nw_resolved *place);

/* Opens it: the kernel's fd, or negative errno. */
int nw_resolved_open(const struct nw_domain *domain, const struct nw_resolved *place, uint64_t flags, uint64_t mode);

/* Whether what was opened there is a library of the host, which everybody may read. `*trust`: it is the host's own libc
 * or ld.so, whose forbidden instructions become traps. */
bool nw_resolved_is_host(const struct nw_resolved *place, int fd, bool *trust);

/* A granted place as a directory, to be passed only: the kernel's fd, or negative errno. */
int nw_resolved_directory(const struct nw_resolved *place);

/* The directory that holds the last name of a granted, writable place, and that name. Closed by whoever asked. -EBUSY:
 * the place is the granted directory itself. */
int nw_resolved_parent(const struct nw_resolved *place, char base[NAME_MAX + 1]);

#endif
