/*
 * Code in a domain's range: it comes only from images (image.h), mapped read and execute, never writable, and where two
 * of them meet the seam is inspected, too.
 */
#include "common/log.h"
#include "worker/image.h"
#include "worker/memory.h"
#include "worker/pages.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    uint64_t start;
    int error = nw_memory_place(d, hint, length, fixed, &start);

    if (!error && !seams_clean(d, start, image))
        error = -EPERM;
    if (!error)
        error = nw_memory_put(d, start, image->size, prot, kind, image->fd, 0);
    return error ? error : (long)start;
}

/* Of what is charged, no image is built that the domain could never map: the monitor's memory and time go into it. */
static bool may_build(struct nw_domain *d, const struct nw_domain_fd *file, uint64_t offset, uint64_t length)
{
    struct stat st = {0};
    uint64_t left = fstat(file->fd, &st) == 0 && (uint64_t)st.st_size > offset ? (uint64_t)st.st_size - offset : 0;
    bool may;

    pthread_mutex_lock(&d->memory_lock);
    may = file->trust || nw_memory_fits(d, d->regions.charged + (left < length ? left : length));
    pthread_mutex_unlock(&d->memory_lock);
    return may;
}

/* Without the domain's lock while the image is built: that takes long, and others of its threads would keep their
 * executors waiting for the lock. */
long nw_memory_map_code(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, bool fixed,
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
        nw_pages_map(d, (uint64_t)result, image->size, prot, MAP_PRIVATE, file->fd, offset, &(bool){false});
    if (result >= 0)
        nw_where_note(d, (uint64_t)result, image->size, file->fd, offset);
    pthread_mutex_unlock(&d->memory_lock);
    if (image)
        nw_images_release(nw_m.images, image);
    return result;
}
