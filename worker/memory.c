/*
 * The memory system calls of a domain, carried out inside its own range, in its key and within its limit. Code comes
 * only from images (image.h): mapped read and execute, never writable, never anonymous.
 *
 * The range stays reserved as a whole: unmapping puts an inaccessible mapping in place, so nothing else of the process
 * ever lands in it.
 */
#include "common/log.h"
#include "protect/without.h"
#include "worker/files.h"
#include "worker/image.h"
#include "worker/monitor.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE)

int nw_memory_tag(struct nw_domain *d, uint64_t start, uint64_t length, int prot)
{
    int key = nw_m.keyed ? d->key : -1;

    return pkey_mprotect((void *)start, length, prot, key) < 0 ? -errno : 0;
}

static uint64_t page_up(uint64_t length)
{
    return (length + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE;
}

static bool within_limit(const struct nw_domain *d, uint64_t charged)
{
    return nw_without(NW_DEFENCE_MEMORY) || charged <= d->function->memory || charged <= d->regions.charged;
}

/*
 * Puts a new mapping at `start`, in the domain's key. When it fails nothing is left there: not even a hole, which a
 * file that cannot be mapped leaves when it says so after the kernel has emptied the place. Out of memory, which is
 * also said of too many mappings, comes before that.
 */
static int put(struct nw_domain *d, uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset)
{
    void *at = mmap((void *)start, length, prot & ~PROT_WRITE, flags | MAP_FIXED, fd, (off_t)offset);
    int error = at == MAP_FAILED ? -errno : nw_memory_tag(d, start, length, prot);

    if (!error || (at == MAP_FAILED && error == -ENOMEM))
        return error;
    if (mmap((void *)start, length, PROT_NONE, RESERVED, -1, 0) == MAP_FAILED)
        nw_die_system("cannot take back a mapping that failed: %s", strerror(errno));
    return error;
}

/* Where a mapping goes: at the fixed address, or wherever it fits, at the hint if that is free. */
static int place(struct nw_domain *d, uint64_t hint, uint64_t length, bool fixed, uint64_t *start)
{
    if (!fixed)
        return nw_regions_find_gap(&d->regions, length, NW_PAGE_SIZE, hint & -NW_PAGE_SIZE, NW_REGION_TOP_DOWN, start);
    *start = hint;
    return 0;
}

static bool is_code(const struct nw_region *r)
{
    return r && (r->kind == NW_REGION_CODE || r->kind == NW_REGION_OWN_CODE);
}

/* Code that ends right before the new image, or starts right behind it, may continue in it; whether that code is
 * executable at this moment does not matter, since it can be made so again. The ends of the domain's range are no
 * seams: a range begins with data, and so does what else of this process has code, the program and the vDSO. */
static bool seams_clean(struct nw_domain *d, uint64_t start, const struct nw_image *image)
{
    uint64_t end = start + image->size;
    uint8_t edge[NW_SCAN_CONTEXT];

    if (is_code(nw_regions_find(&d->regions, start - 1)) &&
        (nw_gate_copy(edge, (const void *)(start - sizeof(edge)), sizeof(edge)) < 0 ||
         nw_scan_seam(edge, sizeof(edge), image->first, sizeof(image->first), NULL)))
        return false;
    return !is_code(nw_regions_find(&d->regions, end)) ||
           (nw_gate_copy(edge, (const void *)end, sizeof(edge)) == 0 &&
            !nw_scan_seam(image->last, sizeof(image->last), edge, sizeof(edge), NULL));
}

/* While the function starts this is why it cannot; later it is one dlopen that fails. */
static void say_refused(struct nw_domain *d, int fd, const struct nw_image_refusal *refusal)
{
    char text[NW_REASON_MAX], link[32], name[128];
    ssize_t n;

    if (refusal->file_offset == 0) /* no hit: an ELF file begins with its header */
        return;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    n = readlink(link, name, sizeof(name));
    snprintf(text, sizeof(text), "%.*s: %s at file offset %#llx%s%.60s; a function may not hold this instruction",
             n > 0 ? (int)n : 9, n > 0 ? name : "a library", nw_scan_kind_name(refusal->kind),
             (unsigned long long)refusal->file_offset, refusal->symbol[0] ? ", in symbol " : "", refusal->symbol);
    if (d->state == NW_DOMAIN_STARTING)
        memcpy(d->reason, text, sizeof(text));
    else if (nw_may_log(d))
        nw_log(NW_LOG_WARN, "function %s: refused to map %s", d->function->name, text);
}

/* Only the image is mapped: what a longer mapping would hold behind the end of the file stays inaccessible. */
static long put_image(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, bool fixed, bool trust,
                      const struct nw_image *image)
{
    enum nw_region_kind kind = trust ? NW_REGION_CODE : NW_REGION_OWN_CODE;
    uint64_t start, charged;
    int error = place(d, hint, length, fixed, &start);

    if (!error)
        error = nw_regions_cost_of_add(&d->regions, start, image->size, prot, kind, &charged);
    if (!error && !within_limit(d, charged))
        error = -ENOMEM;
    if (!error && !seams_clean(d, start, image))
        error = -EPERM;
    if (!error)
        error = put(d, start, image->size, prot, MAP_PRIVATE, image->fd, 0);
    if (!error)
        error = nw_regions_add(&d->regions, start, image->size, prot, kind);
    return error ? error : (long)start;
}

/* Of what is charged, no image is built that the domain could never map: the monitor's memory and time go into it. */
static bool may_build(struct nw_domain *d, const struct nw_domain_fd *file, uint64_t offset, uint64_t length)
{
    struct stat st = {0};
    uint64_t left = fstat(file->fd, &st) == 0 && (uint64_t)st.st_size > offset ? (uint64_t)st.st_size - offset : 0;
    bool may;

    pthread_mutex_lock(&d->memory_lock);
    may = file->trust || within_limit(d, d->regions.charged + (left < length ? left : length));
    pthread_mutex_unlock(&d->memory_lock);
    return may;
}

/* Without the domain's lock while the image is built: that takes long, and others of its threads would keep their
 * executors waiting for the lock. */
static long map_code(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, bool fixed,
                     const struct nw_domain_fd *file, uint64_t offset)
{
    struct nw_image_refusal refusal = {0};
    struct nw_image *image = NULL;
    long result = -ENOMEM;

    if (may_build(d, file, offset, length))
        result = nw_images_acquire(nw_m.images, file->fd, offset, length, file->trust, &image, &refusal);
    pthread_mutex_lock(&d->memory_lock);
    if (result == -EPERM)
        say_refused(d, file->fd, &refusal);
    else if (image)
        result = put_image(d, hint, length, prot, fixed, file->trust, image);
    if (nw_without(NW_DEFENCE_COPIES) && result >= 0)
        put(d, (uint64_t)result, image->size, prot, MAP_PRIVATE, file->fd, offset);
    if (result >= 0)
        nw_where_note(d, (uint64_t)result, image->size, file->fd, offset);
    pthread_mutex_unlock(&d->memory_lock);
    if (image)
        nw_images_release(nw_m.images, image);
    return result;
}

static long map_data(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, int flags, int fd, uint64_t offset)
{
    enum nw_region_kind kind = fd >= 0 ? NW_REGION_FILE : flags & MAP_STACK ? NW_REGION_STACK : NW_REGION_ANON;
    uint64_t start, charged;
    int error = place(d, hint, length, flags & MAP_FIXED, &start);

    if (!error)
        error = nw_regions_cost_of_add(&d->regions, start, length, prot, kind, &charged);
    if (!error && !within_limit(d, charged))
        error = -ENOMEM;
    if (!error)
        error = put(d, start, length, prot, MAP_PRIVATE | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, offset);
    if (error)
        return error;
    nw_regions_add(&d->regions, start, length, prot, kind);
    return (long)start;
}

/* Sockets and the like refuse it, some of them too late: see put(). */
static bool is_mappable(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static long map_anonymous(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, int flags)
{
    long result;

    pthread_mutex_lock(&d->memory_lock);
    result = map_data(d, hint, length, prot, flags, -1, 0);
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

static long map_open_file(struct nw_domain *d, const uint64_t args[6], uint64_t length, const struct nw_domain_fd *file)
{
    int prot = (int)args[2], flags = (int)args[3];
    long result;

    if (!is_mappable(file->fd) || (file->granted && flags & MAP_SHARED && prot & PROT_WRITE))
        return -ENODEV;
    if (prot & PROT_EXEC)
        return map_code(d, args[0], length, prot, flags & MAP_FIXED, file, args[5]);
    pthread_mutex_lock(&d->memory_lock);
    result = map_data(d, args[0], length, prot, flags, file->fd, args[5]);
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

/*
 * Shared mappings become private: a domain has no other process to share with. A file of a granted directory cannot be
 * written through one, so that nobody takes what stays in the domain for what is in the file.
 */
long nw_memory_map(struct nw_domain *d, const uint64_t args[6])
{
    uint64_t length = page_up(args[1]);
    int prot = (int)args[2], flags = (int)args[3];
    struct nw_domain_fd file = {.fd = -1};
    long result;

    if (args[1] == 0 || length == 0 || args[5] % NW_PAGE_SIZE)
        return -EINVAL;
    if (flags & MAP_FIXED && (args[0] % NW_PAGE_SIZE || !nw_domain_holds(d, args[0], length)))
        return -EPERM;
    if (!nw_without(NW_DEFENCE_WX) && prot & PROT_EXEC && (prot & PROT_WRITE || flags & MAP_ANONYMOUS))
        return -EACCES;
    if (flags & MAP_ANONYMOUS)
        return map_anonymous(d, args[0], length, prot, flags);
    file.fd = nw_fd_use_file(d, args[4], &file);
    if (file.fd < 0)
        return file.fd;
    result = map_open_file(d, args, length, &file);
    nw_fd_done(d, args[4]);
    return result;
}

static long unmap_locked(struct nw_domain *d, uint64_t start, uint64_t length)
{
    uint64_t charged;
    int error = nw_regions_cost_of_remove(&d->regions, start, length, &charged);

    if (error)
        return error;
    if (mmap((void *)start, length, PROT_NONE, RESERVED, -1, 0) == MAP_FAILED)
        return -errno;
    return nw_regions_remove(&d->regions, start, length);
}

long nw_memory_unmap(struct nw_domain *d, uint64_t start, uint64_t length)
{
    long result;

    pthread_mutex_lock(&d->memory_lock);
    result = unmap_locked(d, start, page_up(length));
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

long nw_memory_protect(struct nw_domain *d, uint64_t start, uint64_t length, uint64_t prot)
{
    uint64_t charged;
    long result;

    if (length == 0)
        return 0;
    length = page_up(length);
    if (length == 0)
        return -EINVAL;
    pthread_mutex_lock(&d->memory_lock);
    result = nw_regions_cost_of_prot(&d->regions, start, length, (int)prot, &charged);
    if (!result && !within_limit(d, charged))
        result = -ENOMEM;
    if (!result)
        result = nw_memory_tag(d, start, length, (int)prot);
    if (!result)
        result = nw_regions_set_prot(&d->regions, start, length, (int)prot);
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

/* Longer: in place when what follows is free, else a copy elsewhere. The old pages go in one step with their mapping.
 */
static long remap_longer(struct nw_domain *d, uint64_t old, uint64_t old_length, uint64_t length, int prot, bool move)
{
    uint64_t to;
    long result;

    if (nw_regions_find_gap(&d->regions, length - old_length, NW_PAGE_SIZE, old + old_length, NW_REGION_TOP_DOWN,
                            &to) == 0 &&
        to == old + old_length) {
        result = map_data(d, to, length - old_length, prot, MAP_FIXED, -1, 0);
        return result < 0 ? result : (long)old;
    }
    if (!move)
        return -ENOMEM;
    result = map_data(d, 0, length, prot, 0, -1, 0);
    if (result < 0)
        return result;
    if (nw_gate_copy((void *)result, (const void *)old, old_length) < 0) {
        unmap_locked(d, (uint64_t)result, length);
        return -EFAULT;
    }
    unmap_locked(d, old, old_length);
    return result;
}

long nw_memory_remap(struct nw_domain *d, const uint64_t args[6])
{
    uint64_t old = args[0], old_length = page_up(args[1]), length = page_up(args[2]);
    const struct nw_region *r;
    long result;

    if (old % NW_PAGE_SIZE || old_length == 0 || length == 0 || !nw_domain_holds(d, old, old_length))
        return -EINVAL;
    pthread_mutex_lock(&d->memory_lock);
    r = nw_regions_find(&d->regions, old);
    if (!r || r->end - old < old_length || r->kind != NW_REGION_ANON || r->prot != (PROT_READ | PROT_WRITE))
        result = -EFAULT;
    else if (length > old_length)
        result = remap_longer(d, old, old_length, length, r->prot, args[3] & MREMAP_MAYMOVE);
    else if (length < old_length)
        result = unmap_locked(d, old + length, old_length - length);
    else
        result = 0;
    pthread_mutex_unlock(&d->memory_lock);
    return result == 0 ? (long)old : result;
}

long nw_memory_advise(struct nw_domain *d, uint64_t start, uint64_t length, uint64_t advice)
{
    long result = 0;

    length = page_up(length);
    if (advice != MADV_DONTNEED && advice != MADV_FREE)
        return 0; /* the other hints change nothing that a program could see */
    pthread_mutex_lock(&d->memory_lock);
    if (start % NW_PAGE_SIZE || !nw_regions_covers(&d->regions, start, length, PROT_NONE))
        result = -ENOMEM;
    else if (length && madvise((void *)start, length, (int)advice) < 0)
        result = -errno;
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}
