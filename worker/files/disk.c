/* See disk.h. */
#include "worker/files/disk.h"
#include "common/base/valid.h"
#include "protect/gate/without.h"
#include "worker/base/lock.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BUCKETS      4096
#define COST_MAX     (1ull << 50)   /* more than any limit, and some threads together cannot make it overflow */
#define REMEMBER_MAX (16 * BUCKETS) /* files; which ones the others were is forgotten, and they count for ever */

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER; /* taken before that of any disk */
static struct nw_disk *all;

void nw_disk_init(struct nw_disk *disk, uint64_t limit)
{
    *disk = (struct nw_disk){.limit = limit};
    pthread_mutex_init(&disk->lock, NULL);
    pthread_mutex_lock(&all_lock);
    disk->next = all;
    all = disk;
    pthread_mutex_unlock(&all_lock);
}

/* Whether it was one of them. */
static bool take_out(struct nw_disk *disk)
{
    struct nw_disk **link = &all;
    bool found;

    pthread_mutex_lock(&all_lock);
    while (*link && *link != disk)
        link = &(*link)->next;
    found = *link;
    if (found)
        *link = disk->next;
    pthread_mutex_unlock(&all_lock);
    return found;
}

void nw_disk_fini(struct nw_disk *disk)
{
    if (!take_out(disk))
        return;
    for (size_t i = 0; disk->buckets && i < BUCKETS; i++)
        for (struct nw_disk_file *file = disk->buckets[i], *next; file; file = next) {
            next = file->next;
            free(file);
        }
    free(disk->buckets);
    pthread_mutex_destroy(&disk->lock);
    *disk = (struct nw_disk){0};
}

static size_t hash(uint64_t device, uint64_t inode)
{
    return (inode * 0x9e3779b97f4a7c15ull ^ device) >> 40 & (BUCKETS - 1);
}

static struct nw_disk_file **bucket_of(const struct nw_disk *disk, uint64_t device, uint64_t inode)
{
    return &disk->buckets[hash(device, inode)];
}

static struct nw_disk_file *find(const struct nw_disk *disk, uint64_t device, uint64_t inode)
{
    struct nw_disk_file *file = disk->buckets ? *bucket_of(disk, device, inode) : NULL;

    while (file && (file->device != device || file->inode != inode))
        file = file->next;
    return file;
}

static void forget(struct nw_disk *disk, struct nw_disk_file *file)
{
    struct nw_disk_file **link = bucket_of(disk, file->device, file->inode);

    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    disk->n--;
    free(file);
}

/* One that nobody has open. */
static void forget_one_of(struct nw_disk *disk, struct nw_disk_file *bucket)
{
    while (bucket && bucket->users)
        bucket = bucket->next;
    if (bucket)
        forget(disk, bucket);
}

static struct nw_disk_file *find_or_add(struct nw_disk *disk, const struct stat *st)
{
    struct nw_disk_file *file, **bucket;

    if (!disk->buckets)
        disk->buckets = calloc(BUCKETS, sizeof(struct nw_disk_file *));
    file = find(disk, st->st_dev, st->st_ino);
    if (file || !disk->buckets)
        return file;
    bucket = bucket_of(disk, st->st_dev, st->st_ino);
    if (disk->n >= REMEMBER_MAX)
        forget_one_of(disk, *bucket);
    file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    *file = (struct nw_disk_file){.next = *bucket, .device = st->st_dev, .inode = st->st_ino};
    *bucket = file;
    disk->n++;
    return file;
}

static uint64_t cost_of(uint64_t size, uint64_t names)
{
    uint64_t blocks = size / NW_DISK_BLOCK + (size % NW_DISK_BLOCK != 0) + names;

    return blocks < COST_MAX / NW_DISK_BLOCK ? blocks * NW_DISK_BLOCK : COST_MAX;
}

static void charge(struct nw_disk *disk, struct nw_disk_file *file, uint64_t size, uint64_t names)
{
    uint64_t cost = cost_of(size, names);

    disk->used += cost - file->charged;
    file->charged = cost;
    file->size = size;
    file->names = names;
}

static void uncharge(struct nw_disk *disk, struct nw_disk_file *file)
{
    disk->used -= file->charged;
    file->charged = 0;
}

static bool file_is_valid(const struct nw_disk *disk, const struct nw_disk_file *file, struct nw_disk_file **bucket)
{
    return bucket_of(disk, file->device, file->inode) == bucket && (!file->writers || file->users) &&
           (!file->charged || file->charged == cost_of(file->size, file->names));
}

bool nw_disk_is_valid(const struct nw_disk *disk)
{
    uint64_t charged = 0;
    size_t n = 0;

    for (size_t i = 0; disk->buckets && i < BUCKETS; i++)
        for (const struct nw_disk_file *file = disk->buckets[i]; file; file = file->next, n++) {
            if (!file_is_valid(disk, file, &disk->buckets[i]))
                return false;
            charged += file->charged;
        }
    return n == disk->n && charged <= disk->used; /* names that are about to be made count besides */
}

static void unlock(struct nw_disk *disk)
{
    nw_check_valid(nw_disk, disk);
    pthread_mutex_unlock(&disk->lock);
}

/* ---- who has a file open ---- */

/* A file that functions have open or mapped. */
struct held {
    struct held *next;
    uint64_t device, inode;
    uint32_t functions;
    bool gone; /* it has no name any more */
};

static struct held *held[BUCKETS];
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER; /* taken after that of any disk */

/* The link to it, or to NULL. */
static struct held **find_held(uint64_t device, uint64_t inode)
{
    struct held **link = &held[hash(device, inode)];

    while (*link && ((*link)->device != device || (*link)->inode != inode))
        link = &(*link)->next;
    return link;
}

/* A function begins to have it open. A file with a name is not the one that is gone, but another one in its place.
 * False: no memory. */
static bool hold(const struct stat *st)
{
    struct held **link, *file;

    pthread_mutex_lock(&held_lock);
    link = find_held(st->st_dev, st->st_ino);
    if (!*link && (*link = calloc(1, sizeof(**link))))
        **link = (struct held){.device = st->st_dev, .inode = st->st_ino};
    file = *link;
    if (file) {
        file->functions++;
        file->gone = file->gone && st->st_nlink == 0;
    }
    pthread_mutex_unlock(&held_lock);
    return file;
}

/* It has it no more. True: nor has anybody else, and the file is gone. */
static bool let_go(uint64_t device, uint64_t inode)
{
    struct held **link, *file;
    bool gone = false;

    pthread_mutex_lock(&held_lock);
    link = find_held(device, inode);
    file = *link;
    if (--file->functions == 0) {
        gone = file->gone;
        *link = file->next;
        free(file);
    }
    pthread_mutex_unlock(&held_lock);
    return gone;
}

/* It has no name any more. False: somebody has it open. */
static bool is_gone(uint64_t device, uint64_t inode)
{
    struct held *file;

    pthread_mutex_lock(&held_lock);
    file = *find_held(device, inode);
    if (file)
        file->gone = true;
    pthread_mutex_unlock(&held_lock);
    return !file;
}

/* ---- files that are gone ---- */

/* Lock held. */
static void lose(struct nw_disk *disk, uint64_t device, uint64_t inode)
{
    struct nw_disk_file *file = find(disk, device, inode);

    if (!file || file->users)
        return;
    uncharge(disk, file);
    forget(disk, file);
}

/* For a function whose lock is taken. When there are too many, it goes on counting those. */
static void lose_later(struct nw_disk *disk, uint64_t device, uint64_t inode)
{
    pthread_mutex_lock(&held_lock);
    if (disk->n_lost < NW_DISK_LOST) {
        disk->lost[disk->n_lost].device = device;
        disk->lost[disk->n_lost++].inode = inode;
    }
    pthread_mutex_unlock(&held_lock);
}

/* Lock held. */
static void lose_now(struct nw_disk *disk)
{
    pthread_mutex_lock(&held_lock);
    while (disk->n_lost) {
        disk->n_lost--;
        lose(disk, disk->lost[disk->n_lost].device, disk->lost[disk->n_lost].inode);
    }
    pthread_mutex_unlock(&held_lock);
}

/* A file that is gone, and that nobody has open, counts for no function of this worker. */
static void lose_everywhere(uint64_t device, uint64_t inode)
{
    pthread_mutex_lock(&all_lock);
    for (struct nw_disk *disk = all; disk; disk = disk->next)
        if (pthread_mutex_trylock(&disk->lock) == 0) {
            lose(disk, device, inode);
            unlock(disk);
        } else {
            lose_later(disk, device, inode);
        }
    pthread_mutex_unlock(&all_lock);
}

/* ---- what a file counts ---- */

static bool has_room(struct nw_disk *disk, uint64_t more)
{
    if (nw_without(NW_DEFENCE_DISK))
        return true;
    lose_now(disk);
    return disk->used <= disk->limit && more <= disk->limit - disk->used;
}

/* How many names count. A directory has one, whatever stat adds for the ".." of each directory in it. */
static uint64_t names_of(const struct stat *st)
{
    return S_ISDIR(st->st_mode) ? st->st_nlink > 0 : st->st_nlink;
}

static uint64_t size_of(const struct stat *st)
{
    return S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size;
}

struct nw_disk_file *nw_disk_use(struct nw_disk *disk, int fd)
{
    struct nw_disk_file *file = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return NULL;
    pthread_mutex_lock(&disk->lock);
    lose_now(disk);
    file = find_or_add(disk, &st);
    if (file && !file->users && !hold(&st))
        file = NULL; /* it is found the next time */
    if (file)
        file->users++;
    unlock(disk);
    return file;
}

void nw_disk_hold(struct nw_disk *disk, struct nw_disk_file *file)
{
    pthread_mutex_lock(&disk->lock);
    file->users++;
    unlock(disk);
}

void nw_disk_done(struct nw_disk *disk, struct nw_disk_file *file)
{
    const uint64_t device = file->device, inode = file->inode;
    bool gone;

    pthread_mutex_lock(&disk->lock);
    gone = --file->users == 0 && let_go(device, inode);
    if (!file->users && !file->charged)
        forget(disk, file);
    unlock(disk);
    if (gone)
        lose_everywhere(device, inode);
}

/* A file that was not counted yet is counted with its whole length. Lock held. */
static int reserve(struct nw_disk *disk, struct nw_disk_file *file, int fd, uint64_t end, bool sets_length)
{
    struct stat st = {.st_size = (off_t)file->size, .st_nlink = file->names};
    uint64_t size, cost, more;

    if (!file->charged && fstat(fd, &st) < 0)
        return -errno;
    size = end > size_of(&st) || (sets_length && !file->charged) ? end : size_of(&st);
    cost = cost_of(size, st.st_nlink);
    more = cost > file->charged ? cost - file->charged : 0;
    if (!has_room(disk, more) && (more || !sets_length))
        return -EDQUOT;
    charge(disk, file, size, st.st_nlink);
    file->writers++;
    return 0;
}

int nw_disk_write(struct nw_disk *disk, struct nw_disk_file *file, int fd, uint64_t end, bool sets_length)
{
    int error;

    pthread_mutex_lock(&disk->lock);
    error = reserve(disk, file, fd, end, sets_length);
    unlock(disk);
    return error;
}

/* The file counts with the length that it has now or, while a call may be writing to it, with the length that the call
 * may lead to. Lock held. */
static void settle(struct nw_disk *disk, struct nw_disk_file *file, const struct stat *st)
{
    uint64_t size = size_of(st), names = names_of(st);

    if (file->writers) {
        size = size > file->size ? size : file->size;
        names = names > file->names ? names : file->names;
    }
    charge(disk, file, size, names);
}

void nw_disk_wrote(struct nw_disk *disk, struct nw_disk_file *file, int fd)
{
    struct stat st;

    pthread_mutex_lock(&disk->lock);
    file->writers--;
    if (fstat(fd, &st) == 0)
        settle(disk, file, &st);
    unlock(disk);
}

int nw_disk_name(struct nw_disk *disk)
{
    int error;

    pthread_mutex_lock(&disk->lock);
    error = has_room(disk, NW_DISK_BLOCK) ? 0 : -EDQUOT;
    disk->used += error ? 0 : NW_DISK_BLOCK;
    unlock(disk);
    return error;
}

/* The block that was taken for the name is part of what the file counts from now on, unless there is no memory to
 * remember the file. */
void nw_disk_named(struct nw_disk *disk, int fd)
{
    struct nw_disk_file *file = NULL;
    struct stat st;

    pthread_mutex_lock(&disk->lock);
    if (fd < 0)
        disk->used -= NW_DISK_BLOCK;
    else if (fstat(fd, &st) == 0) {
        lose_now(disk);
        file = find_or_add(disk, &st);
    }
    if (file) {
        disk->used -= NW_DISK_BLOCK;
        settle(disk, file, &st);
    }
    unlock(disk);
}

void nw_disk_changed(struct nw_disk *disk, int fd)
{
    struct nw_disk_file *file;
    struct stat st = {0};
    bool named;

    pthread_mutex_lock(&disk->lock);
    named = fstat(fd, &st) < 0 || st.st_nlink > 0;
    file = find(disk, st.st_dev, st.st_ino);
    if (named && file && file->charged)
        settle(disk, file, &st);
    unlock(disk);
    if (!named && is_gone(st.st_dev, st.st_ino))
        lose_everywhere(st.st_dev, st.st_ino);
}

uint64_t nw_disk_left(struct nw_disk *disk)
{
    uint64_t left;

    pthread_mutex_lock(&disk->lock);
    lose_now(disk);
    left = disk->used < disk->limit ? disk->limit - disk->used : 0;
    unlock(disk);
    return left;
}
