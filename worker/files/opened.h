/*
 * A regular file of a granted directory that a domain has opened: its record locks, and what it counts on the disk.
 * Duplicated numbers share one opening.
 *
 * Locks of fcntl(F_SETLK) belong to the domain, as they belong to a process elsewhere: through all of its descriptors
 * of a file it has the same ones, other domains exclude it and are excluded. They go by a description of the file that
 * only the monitor has, until the last of the descriptors by which the domain locked it is closed.
 */
#ifndef NW_WORKER_FILES_OPENED_H
#define NW_WORKER_FILES_OPENED_H

#include "worker/files/locks.h"
#include <stdint.h>

struct nw_domain_fd;
struct nw_files;

/* Of a domain's locks on one file. In nw_files.lock_owners. */
struct nw_lock_owner {
    struct nw_lock_owner *next;
    uint64_t device, inode;
    int fd;
    uint32_t users; /* openings */
    struct nw_locks locks;
};

struct nw_opened {
    uint32_t users;        /* numbers */
    struct nw_locks locks; /* of fcntl(F_OFD_SETLK): of this opening */
    struct nw_lock_owner *owner;
    struct nw_disk_file *disk;
};

/* NULL: no memory. */
struct nw_opened *nw_opened_new(const struct nw_files *files, const struct nw_domain_fd *file);

/* Another number, or one fewer; then its descriptor is closed already. The lock of the files is held. */
void nw__opened_hold(struct nw_opened *opened);
void nw__opened_release(struct nw_files *files, struct nw_opened *opened);

/* It and what it holds are in use: for tests and debug builds. */
bool nw_opened_is_valid(const struct nw_opened *opened);

/* The owner of the domain's locks on the file, which stays as long as the opening. NULL and an error. */
struct nw_lock_owner *nw_lock_owner_of(struct nw_files *files, const struct nw_domain_fd *file, int *error);

#endif
