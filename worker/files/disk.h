/*
 * What a function fills of the directories that it may change, in this worker. Each file that it has written to, made
 * or given a name counts with its length in blocks, holes included, and a block for each of its names; each directory
 * that it made with a block. So what is counted depends on nothing that others do at the same time: growth is counted
 * before it happens, and a file counts as shorter only when nothing of the function can still write to it, and as gone
 * only when no function of this worker has it open or mapped any more: until then it fills the disk, whoever removed
 * its name. Says nothing of files that others fill.
 *
 * Any thread; a lock of its own for each function, under which the kernel is asked for a file's length.
 */
#ifndef NW_WORKER_FILES_DISK_H
#define NW_WORKER_FILES_DISK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_DISK_BLOCK 4096ul
#define NW_DISK_LOST  16

/* A file that a function has open or that counts. Guarded by the lock. */
struct nw_disk_file {
    struct nw_disk_file *next;
    uint64_t device, inode;
    uint64_t charged; /* 0: it does not count yet */
    uint64_t size, names;
    uint32_t users;   /* openings and mappings */
    uint32_t writers; /* calls that may make it longer */
};

/* Part of a function. */
struct nw_disk {
    pthread_mutex_t lock;
    uint64_t limit, used;
    struct nw_disk_file **buckets; /* NULL before the first file */
    size_t n;
    struct {
        uint64_t device, inode;
    } lost[NW_DISK_LOST]; /* files that went while the lock was taken; guarded by that of those that are held */
    uint32_t n_lost;
    struct nw_disk *next; /* of all; guarded by a lock of them */
};

/* Of one that was never made, or not since, _fini does nothing. */
void nw_disk_init(struct nw_disk *disk, uint64_t limit);
void nw_disk_fini(struct nw_disk *disk);

/* A regular file is opened, or mapped; and no more. NULL: no memory. */
struct nw_disk_file *nw_disk_use(struct nw_disk *disk, int fd);
void nw_disk_hold(struct nw_disk *disk, struct nw_disk_file *file); /* another use of one that is used */
void nw_disk_done(struct nw_disk *disk, struct nw_disk_file *file);

/* Before a call that may write up to `end`, or set the length to it: 0 or -EDQUOT; nw_disk_wrote afterwards. */
int nw_disk_write(struct nw_disk *disk, struct nw_disk_file *file, int fd, uint64_t end, bool sets_length);
void nw_disk_wrote(struct nw_disk *disk, struct nw_disk_file *file, int fd);

/* Before a name is made: 0 or -EDQUOT. Afterwards what it is the name of, or -1 where there is none. */
int nw_disk_name(struct nw_disk *disk);
void nw_disk_named(struct nw_disk *disk, int fd);

/* A file, open in any way, may have become shorter, or has lost or got a name. What has none left, and nobody has open,
 * counts for no function. */
void nw_disk_changed(struct nw_disk *disk, int fd);

/* What its files count is in what it has used, and each is where it is looked for: for tests and debug builds. Lock
 * held. */
bool nw_disk_is_valid(const struct nw_disk *disk);

/* How many more bytes it may fill. */
uint64_t nw_disk_left(struct nw_disk *disk);

#endif
