/* The cache of code images of image.h: building one, and a list of them with the most recently used in front. */
#include "worker/image/image.h"
#include "common/base/atomic.h"
#include "common/base/valid.h"
#include "protect/gate/state.h"
#include "protect/rewrite/cpuid.h"
#include "protect/rewrite/rewrite.h"
#include "protect/rewrite/shortcut.h"
#include "protect/scan/elf_file.h"
#include "protect/scan/tiles.h"
#include "worker/image/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define INT3 0xcc

/* Linux 6.3; Debian 12 does not declare it. The memfd is to be mapped, never to be run as a program. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* What file, in what state, and which part of it. */
struct key {
    dev_t dev;
    ino_t ino;
    off_t file_size;
    struct timespec modified, changed;
    uint64_t offset;
    size_t size;
    bool patch;
};

struct entry {
    struct nw_image image; /* first, so that a pointer to it is one to the entry */
    struct key key;
    struct entry *next; /* less recently used */
    size_t users;
    bool cached; /* in the list */
};

struct nw_images {
    const struct nw_shortcut_gate *gate;
    pthread_mutex_t mutex; /* guards everything here and the list fields of entries; never held across I/O */
    struct entry *newest;
    size_t max_images, max_bytes;
    struct nw_images_stats stats;
};

struct nw_images *nw_images_new(size_t max_images, size_t max_bytes, const struct nw_shortcut_gate *gate)
{
    struct nw_images *images = calloc(1, sizeof *images);

    if (images == NULL)
        return NULL;
    pthread_mutex_init(&images->mutex, NULL);
    images->gate = gate;
    images->max_images = max_images;
    images->max_bytes = max_bytes;
    return images;
}

static void entry_free(struct entry *entry)
{
    if (entry->image.fd >= 0)
        close(entry->image.fd);
    free(entry);
}

void nw_images_free(struct nw_images *images)
{
    if (images == NULL)
        return;
    for (struct entry *entry = images->newest, *next; entry != NULL; entry = next) {
        next = entry->next;
        entry_free(entry);
    }
    pthread_mutex_destroy(&images->mutex);
    free(images);
}

static size_t round_up(size_t size)
{
    return (size + PAGE - 1) & ~(PAGE - 1);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_key(const struct key *a, const struct key *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->file_size == b->file_size && a->offset == b->offset &&
           a->size == b->size && a->patch == b->patch && same_time(&a->modified, &b->modified) &&
           same_time(&a->changed, &b->changed);
}

static int key_of(const struct stat *file, uint64_t offset, size_t length, bool patch, struct key *key)
{
    if (length == 0 || offset % PAGE != 0 || offset > INT64_MAX || length > INT64_MAX - offset)
        return -EINVAL;
    if (!S_ISREG(file->st_mode))
        return -EACCES;
    if (file->st_size < 0 || offset >= (uint64_t)file->st_size)
        return -EINVAL;
    uint64_t left = (uint64_t)file->st_size - offset;
    size_t size = left < length ? left : length;
    if (size > NW_IMAGE_SIZE_MAX)
        return -EFBIG;
    *key = (struct key){
        .dev = file->st_dev,
        .ino = file->st_ino,
        .file_size = file->st_size,
        .modified = file->st_mtim,
        .changed = file->st_ctim,
        .offset = offset,
        .size = round_up(size),
        .patch = patch,
    };
    return 0;
}

static int make_key(int fd, uint64_t offset, size_t length, bool patch, struct key *key)
{
    struct stat file;

    return fstat(fd, &file) != 0 ? -errno : key_of(&file, offset, length, patch, key);
}

/* A file that is sealed will never change. */
static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && seals & F_SEAL_WRITE && seals & F_SEAL_SHRINK && seals & F_SEAL_GROW;
}

/* Whether `key` still names what was read after `now`. File times are coarse: a file that changed a moment ago may
 * change again without showing it. */
static bool is_settled(int fd, const struct key *key, const struct timespec *now)
{
    struct key after;

    if (is_sealed(fd))
        return true;
    if (make_key(fd, key->offset, key->size, key->patch, &after) != 0 || !same_key(key, &after))
        return false;
    return now->tv_sec - key->changed.tv_sec > 1;
}

/* Overwrites every hit. Goes round until a whole scan finds nothing. Returns how many there were. */
static size_t patch_hits(uint8_t *code, size_t size)
{
    struct nw_scan_hit hits[32];
    size_t patched = 0;

    for (size_t found; (found = nw_scan(code, size, hits, 32)) != 0;) {
        for (size_t i = 0; i < found && i < 32; i++, patched++)
            memset(code + hits[i].offset, INT3, hits[i].length);
    }
    return patched;
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* A sealed memfd with these bytes, or negative errno. */
static int seal_bytes(const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("nightward-code", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("nightward-code", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int error = write_all(fd, bytes, size);
    if (error == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        error = -errno;
    if (error == 0)
        return fd;
    close(fd);
    return error;
}

/* Takes accidental sequences out of the image of an ELF file. If one stays, names the function around it. */
static void rewrite_hits(struct nw_image *image, const struct key *key, uint8_t *code, const struct nw_elf *elf,
                         struct nw_image_refusal *refusal)
{
    struct nw_rewrite_result result;

    nw_rewrite(code, key->size, key->offset, elf, &result);
    image->rewritten = result.rewritten;
    if (result.left != 0 && elf != NULL)
        nw_elf_name_offset(elf, key->offset + result.hit.offset, refusal->symbol, sizeof refusal->symbol);
}

static void rewrite_file(struct nw_image *image, const struct key *key, int fd, uint8_t *code,
                         struct nw_image_refusal *refusal)
{
    struct nw_elf elf;
    uint8_t *bytes = nw__image_elf_read(fd, key->file_size, &elf);

    rewrite_hits(image, key, code, bytes != NULL ? &elf : NULL, refusal);
    free(bytes);
}

/* ld.so needs no library. */
static bool is_loader(const struct nw_elf *elf)
{
    uint64_t needed;

    return elf->dynamic_size != 0 && !nw_elf_dynamic(elf, DT_NEEDED, &needed);
}

static void shorten_segment(struct nw_image *image, uint8_t *code, size_t size, uint64_t file_offset,
                            const struct nw_elf *elf, const struct nw_shortcut_gate *gate)
{
    struct nw_cpuid_answer answers[NW_CPUID_ANSWERS_MAX];
    size_t used = 0, n = is_loader(elf) ? nw_cpuid_ask(answers) : 0;

    image->shortened += nw_shortcut(code, size, file_offset, elf, gate, &used);
    image->answered += nw_cpuid(code, size, file_offset, elf, answers, n, &used);
}

/* Of each segment with code, what the image has of it. */
static void shorten_segments(struct nw_image *image, const struct key *key, uint8_t *code, const struct nw_elf *elf,
                             const struct nw_shortcut_gate *gate)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        uint64_t start = segment->p_offset & ~(uint64_t)(PAGE - 1);
        uint64_t end = round_up(segment->p_offset + segment->p_filesz);
        start = start > key->offset ? start : key->offset;
        end = end < key->offset + key->size ? end : key->offset + key->size;
        if (start < end)
            shorten_segment(image, code + (start - key->offset), end - start, start, elf, gate);
    }
}

static void shorten_calls(struct nw_image *image, const struct key *key, int fd, uint8_t *code,
                          const struct nw_shortcut_gate *gate)
{
    struct nw_elf elf;
    uint8_t *bytes = nw__image_elf_read(fd, key->file_size, &elf);

    if (bytes != NULL)
        shorten_segments(image, key, code, &elf, gate);
    free(bytes);
}

static uint64_t last_id;

/* Seals bytes that hold no hit. Whatever was done to them before, this scan decides. */
static int seal_image(struct nw_image *image, const struct key *key, const uint8_t *bytes,
                      struct nw_image_refusal *refusal)
{
    struct nw_scan_hit hit;

    if (nw_scan(bytes, key->size, &hit, 1) != 0) {
        refusal->file_offset = key->offset + hit.offset;
        refusal->kind = hit.kind;
        return -EPERM;
    }
    if (nw_tiles_set_by(bytes, key->size))
        nw_gate_state_tiles();
    image->size = key->size;
    image->id = nw_fetch_add(&last_id, 1ull) + 1; /* only has to be another one each time */
    image->fd = seal_bytes(bytes, image->size);
    return image->fd < 0 ? image->fd : 0;
}

/* Reads the range that the entry's key tells and makes its image. */
static int build(struct entry *entry, int fd, const struct nw_shortcut_gate *gate, struct nw_image_refusal *refusal)
{
    const struct key *key = &entry->key;
    uint8_t *bytes = calloc(1, key->size);

    if (bytes == NULL)
        return -ENOMEM;
    int error = nw__image_read(fd, key->offset, bytes, key->size);
    if (error == 0 && key->patch)
        entry->image.patched = patch_hits(bytes, key->size);
    else if (error == 0 && nw_scan(bytes, key->size, NULL, 0) != 0)
        rewrite_file(&entry->image, key, fd, bytes, refusal);
    if (error == 0 && key->patch && gate != NULL)
        shorten_calls(&entry->image, key, fd, bytes, gate);
    if (error == 0)
        error = seal_image(&entry->image, key, bytes, refusal);
    free(bytes);
    return error;
}

bool nw_images_is_valid(const struct nw_images *images)
{
    size_t n = 0, bytes = 0;

    for (const struct entry *entry = images->newest; entry != NULL; entry = entry->next, n++) {
        if (!entry->cached || entry->image.fd < 0 || entry->image.size != entry->key.size)
            return false;
        bytes += entry->image.size;
    }
    return n == images->stats.images && bytes == images->stats.bytes && n <= images->max_images &&
           bytes <= images->max_bytes;
}

static void unlock(struct nw_images *images)
{
    nw_check_valid(nw_images, images);
    pthread_mutex_unlock(&images->mutex);
}

/* Finds an entry and moves it to the front. The mutex is held. */
static struct entry *look_up(struct nw_images *images, const struct key *key)
{
    for (struct entry **link = &images->newest; *link != NULL; link = &(*link)->next) {
        struct entry *entry = *link;
        if (!same_key(&entry->key, key))
            continue;
        *link = entry->next;
        entry->next = images->newest;
        images->newest = entry;
        return entry;
    }
    return NULL;
}

/* Takes the least recently used entry out of the list. The mutex is held. */
static void evict(struct nw_images *images)
{
    struct entry **link = &images->newest;

    while ((*link)->next != NULL)
        link = &(*link)->next;
    struct entry *entry = *link;
    *link = NULL;
    entry->cached = false;
    images->stats.images--;
    images->stats.bytes -= entry->image.size;
    if (entry->users == 0)
        entry_free(entry);
}

/* The mutex is held; the entry has a user. */
static void insert(struct nw_images *images, struct entry *entry)
{
    if (images->max_images == 0 || entry->image.size > images->max_bytes)
        return;
    while (images->stats.images == images->max_images || images->stats.bytes > images->max_bytes - entry->image.size)
        evict(images);
    entry->cached = true;
    entry->next = images->newest;
    images->newest = entry;
    images->stats.images++;
    images->stats.bytes += entry->image.size;
}

/* A cached image, with one user more; NULL when there is none. */
static struct entry *acquire_cached(struct nw_images *images, const struct key *key)
{
    pthread_mutex_lock(&images->mutex);
    struct entry *entry = look_up(images, key);
    if (entry != NULL)
        entry->users++;
    *(entry != NULL ? &images->stats.hits : &images->stats.misses) += 1;
    unlock(images);
    return entry;
}

/* Offers a new image to the cache. When another thread was faster, that thread's image takes its place. */
static struct entry *offer(struct nw_images *images, struct entry *entry)
{
    pthread_mutex_lock(&images->mutex);
    struct entry *other = look_up(images, &entry->key);
    if (other != NULL)
        other->users++;
    else
        insert(images, entry);
    unlock(images);
    if (other == NULL)
        return entry;
    entry_free(entry);
    return other;
}

int nw_images_find(struct nw_images *images, const struct stat *file, uint64_t offset, size_t length, bool patch,
                   struct nw_image **image)
{
    struct key key;
    int error = key_of(file, offset, length, patch, &key);

    if (error != 0)
        return error;
    struct entry *entry = acquire_cached(images, &key);
    if (entry == NULL)
        return -ENOENT;
    *image = &entry->image;
    return 0;
}

int nw_images_acquire(struct nw_images *images, int fd, uint64_t offset, size_t length, bool patch,
                      struct nw_image **image, struct nw_image_refusal *refusal)
{
    struct key key;
    struct timespec now;
    int error = make_key(fd, offset, length, patch, &key);

    memset(refusal, 0, sizeof *refusal);
    if (error != 0)
        return error;
    clock_gettime(CLOCK_REALTIME, &now);
    struct entry *entry = acquire_cached(images, &key);
    if (entry == NULL) {
        entry = calloc(1, sizeof *entry);
        if (entry == NULL)
            return -ENOMEM;
        *entry = (struct entry){.image.fd = -1, .key = key, .users = 1};
        error = build(entry, fd, images->gate, refusal);
        if (error != 0) {
            entry_free(entry);
            return error;
        }
        if (is_settled(fd, &key, &now))
            entry = offer(images, entry);
    }
    *image = &entry->image;
    return 0;
}

void nw_images_release(struct nw_images *images, struct nw_image *image)
{
    struct entry *entry = (struct entry *)image;

    pthread_mutex_lock(&images->mutex);
    bool last = --entry->users == 0 && !entry->cached;
    unlock(images);
    if (last)
        entry_free(entry);
}

void nw__images_share(struct nw_images *images, struct nw_image *image)
{
    pthread_mutex_lock(&images->mutex);
    ((struct entry *)image)->users++;
    unlock(images);
}

void nw_images_stats(struct nw_images *images, struct nw_images_stats *stats)
{
    pthread_mutex_lock(&images->mutex);
    *stats = images->stats;
    unlock(images);
}
