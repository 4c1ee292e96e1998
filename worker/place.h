/*
 * Where a path of a function leads: to a library of the host, to its own shared object, into a granted directory, or
 * nowhere. A path is copied once, and only the copy is looked at. Everything below a granted directory is reached
 * through the directory's descriptor, never above it: not by "..", links, mounts or the kernel's magic links.
 */
#ifndef NW_WORKER_PLACE_H
#define NW_WORKER_PLACE_H

#include "worker/syscall.h"
#include <limits.h>

enum nw_place_kind { NW_PLACE_LIBRARY, NW_PLACE_OWN, NW_PLACE_GRANTED };

struct nw_place {
    enum nw_place_kind kind;
    int dir;       /* granted: the directory that `rest` starts from */
    bool writable; /* granted: and its files may be changed */
    bool used;     /* `dir` is the domain's file `number`, in use */
    uint64_t number;
    const char *rest;
    char path[PATH_MAX];
};

/* The place of the path at `name`, relative to the domain's file `number` if that is not AT_FDCWD. 0; -ENOENT: nowhere;
 * -EPERM: refused, because the function has been loaded. nw_place_leave afterwards, when it was 0. */
int nw_place_find(struct nw_call *call, uint64_t number, uint64_t name, struct nw_place *place);
void nw_place_leave(struct nw_call *call, const struct nw_place *place);

/* Opens it: the kernel's fd, or negative errno. */
int nw_place_open(const struct nw_call *call, const struct nw_place *place, uint64_t flags, uint64_t mode);

/* The directory that holds the last name of a granted, writable place, and that name. Closed by whoever asked. */
int nw_place_parent(const struct nw_place *place, char base[NAME_MAX + 1]);

#endif
