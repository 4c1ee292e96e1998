/*
 * A domain's table of files: its own small numbers on one side, the kernel's on the other. Says nothing of what may be
 * opened. Any thread; takes a lock of its own, below all but that of closing.c.
 */
#ifndef NW_WORKER_FILES_FILES_H
#define NW_WORKER_FILES_FILES_H

#include "common/base/bound.h"
#include "common/manifest/resources.h"
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_FD_FIRST   3 /* 0, 1 and 2 are the standard streams; a domain has nothing behind them unless it says dup2 */
#define NW_DOMAIN_FDS NW_LIMIT_DESCRIPTORS

struct nw_account;
struct nw_disk;
struct nw_lock_owner;
struct nw_opened;

/* A directory of the host that a function was granted, below which it may open files. */
struct nw_directory {
    char *path;
    size_t length;
    int fd; /* the directory itself, whatever becomes of the path */
    bool writable;
};

/* One entry of a domain's own table of files. The kernel's fd stays open while a call uses it, whatever other threads
 * of the domain close meanwhile, so a number can never turn into another domain's file under a call. */
struct nw_domain_fd {
    int fd;         /* the kernel's, or -1 */
    uint16_t users; /* calls under way */
    bool closed;    /* to be closed by its last user; the entry stays taken until then */
    bool trust;     /* the host's own libc or ld.so: forbidden instructions in it become traps */
    bool host;      /* a file of the host that everybody may read */
    bool epoll;
    struct nw_opened *opened;           /* a regular file below a granted directory */
    const struct nw_directory *granted; /* it lies below this one; as a directory it is a place to open more from */
};

/* Part of a domain. */
struct nw_files {
    pthread_mutex_t lock; /* guards all that follows */
    struct nw_account *account;
    struct nw_disk *disk; /* of its function */
    struct nw_domain_fd fds[NW_DOMAIN_FDS];
    uint64_t watched_by[NW_DOMAIN_FDS][NW_DOMAIN_FDS / 64]; /* of watches.c: by which epolls, by their numbers */
    struct nw_lock_owner *lock_owners;                      /* of opened.h */
    uint32_t n_closing;                                     /* files that wait to be closed; guarded by closing.c */
    bool exposed; /* the function is up; only a test build that leaves the table out looks at it */
};

/* Once for each record, and before each use of it. */
void nw_files_init(struct nw_files *files);
void nw_files_open(struct nw_files *files, struct nw_account *account, struct nw_disk *disk);

/* The kernel's fd for a call that is about to use it; nw_fd_done afterwards. -EBADF. */
int nw_fd_use(struct nw_files *files, uint64_t number);
void nw_fd_done(struct nw_files *files, uint64_t number);

/* The same with all that is known of it, in `*file`. */
int nw_fd_use_file(struct nw_files *files, uint64_t number, struct nw_domain_fd *file);

/* The entry if the domain may still use it, or NULL. Lock held. */
static inline struct nw_domain_fd *nw_fd_entry(struct nw_files *files, uint64_t number)
{
    struct nw_domain_fd *e = number < NW_DOMAIN_FDS ? &files->fds[nw_index(number, NW_DOMAIN_FDS)] : NULL;

    return e && e->fd >= 0 && !e->closed ? e : NULL;
}

/* A second descriptor for the same open file, which a call uses. 0 or negative errno. */
int nw_fd_duplicate(struct nw_files *files, const struct nw_domain_fd *file, struct nw_domain_fd *copy);

/* Takes over a file into the lowest free place at or above `from`: its number; -EMFILE, then its fd is closed. */
long nw_fd_add(struct nw_files *files, struct nw_domain_fd file, uint64_t from);

/* Takes over a file as this number, closing what was there. -EBADF or -EBUSY, then its fd is closed. */
long nw_fd_put(struct nw_files *files, uint64_t number, struct nw_domain_fd file);

/* 0 or -EBADF. */
long nw_fd_close(struct nw_files *files, uint64_t number);

/* A free number has nothing, one that is closed has a user, and only what is open is watched: for tests and debug
 * builds. Lock held. */
bool nw_files_is_valid(const struct nw_files *files);

/* Closes everything, for a domain that nothing runs in. */
void nw_fd_close_all(struct nw_files *files);

#endif
