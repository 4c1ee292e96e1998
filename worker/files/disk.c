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

static struct nw_disk_file **bucket_of(const struct nw_disk *disk, uint64_t device, uint64_t inode)
{
    return &disk->buckets[(inode * 0x9e3779b97f4a7c15ull ^ device) >> 40 & (BUCKETS - 1)];
}

static struct nw_disk_file *find(const struct nw_disk *disk, const struct stat *st)
{
    struct nw_disk_file *file = disk->buckets ? *bucket_of(disk, st->st_dev, st->st_ino) : NULL;

    while (file && (file->device != st->st_dev || file->inode != st->st_ino))
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
    file = find(disk, st);
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

static bool has_room(const struct nw_disk *disk, uint64_t more)
{
    return nw_without(NW_DEFENCE_DISK) || (disk->used <= disk->limit && more <= disk->limit - disk->used);
}

/* What stat says of names: those of a directory are its own business. */
static uint64_t names_of(const struct stat *st)
{
    return S_ISDIR(st->st_mode) ? st->st_nlink > 0 : st->st_nlink;
}

static uint64_t size_of(const struct stat *st)
{
    return S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size;
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

struct nw_disk_file *nw_disk_use(struct nw_disk *disk, int fd)
{
    struct nw_disk_file *file = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return NULL;
    pthread_mutex_lock(&disk->lock);
    file = find_or_add(disk, &st);
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
    pthread_mutex_lock(&disk->lock);
    if (--file->users == 0 && file->gone)
        uncharge(disk, file);
    if (!file->users && !file->charged)
        forget(disk, file);
    unlock(disk);
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
    else if (fstat(fd, &st) == 0)
        file = find_or_add(disk, &st);
    if (file) {
        disk->used -= NW_DISK_BLOCK;
        settle(disk, file, &st);
    }
    unlock(disk);
}

/* Lock held. */
static void lose(struct nw_disk *disk, const struct stat *st)
{
    struct nw_disk_file *file = find(disk, st);

    if (!file)
        return;
    file->gone = true;
    if (file->users)
        return;
    uncharge(disk, file);
    forget(disk, file);
}

/* A file that is gone is gone for every function of this worker. Those whose lock is taken go on counting it. */
static void lose_everywhere(const struct nw_disk *disk, const struct stat *st)
{
    pthread_mutex_lock(&all_lock);
    for (struct nw_disk *other = all; other; other = other->next)
        if (other != disk && pthread_mutex_trylock(&other->lock) == 0) {
            lose(other, st);
            pthread_mutex_unlock(&other->lock);
        }
    pthread_mutex_unlock(&all_lock);
}

void nw_disk_changed(struct nw_disk *disk, int fd)
{
    struct nw_disk_file *file;
    struct stat st = {0};
    bool gone;

    pthread_mutex_lock(&disk->lock);
    gone = fstat(fd, &st) == 0 && st.st_nlink == 0;
    file = gone ? NULL : find(disk, &st);
    if (gone)
        lose(disk, &st);
    if (file && file->charged)
        settle(disk, file, &st);
    unlock(disk);
    if (gone)
        lose_everywhere(disk, &st);
}

uint64_t nw_disk_left(struct nw_disk *disk)
{
    uint64_t left;

    pthread_mutex_lock(&disk->lock);
    left = disk->used < disk->limit ? disk->limit - disk->used : 0;
    unlock(disk);
    return left;
}
