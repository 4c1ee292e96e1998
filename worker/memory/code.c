/*
 * Code in a domain's range: it comes only from images (image.h), which were scanned, and is never writable. Where two
 * of them meet, a forbidden instruction might begin in one and end in the other, so the seam is scanned, too.
 */
#include "worker/memory/code.h"
#include "protect/gate/gate.h"
#include "protect/gate/state.h"
#include "protect/scan/tiles.h"
#include "worker/account/share.h"
#include "worker/base/fd_name.h"
#include "worker/base/limits.h"
#include "worker/files/files.h"
#include "worker/image/image.h"
#include "worker/image/kept.h"
#include "worker/image/programs.h"
#include "worker/image/where.h"
#include "worker/memory/memory.h"
#include "worker/memory/shortage.h"
#include "worker/range/pages.h"
#include "worker/range/region.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_code(const struct nw_region *r)
{
    return r && (r->kind == NW_REGION_CODE || r->kind == NW_REGION_OWN_CODE);
}

/* The part of an image that is to be mapped. */
struct part {
    struct nw_image *image;
    uint64_t offset, size;
    bool trust, host;
};

/* False: a forbidden instruction begins in the bytes `before` and ends in those `after`. */
static bool seam_clean(const uint8_t before[NW_SCAN_CONTEXT], const uint8_t after[NW_SCAN_CONTEXT])
{
    if (nw_tiles_set_at_seam(before, NW_SCAN_CONTEXT, after))
        nw_gate_state_tiles();
    return !nw_scan_seam(before, NW_SCAN_CONTEXT, after, NW_SCAN_CONTEXT, NULL);
}

static bool read_edge(const struct part *part, bool last, uint8_t edge[NW_SCAN_CONTEXT])
{
    uint64_t at = last ? part->offset + part->size - NW_SCAN_CONTEXT : part->offset;

    return pread(part->image->fd, edge, NW_SCAN_CONTEXT, (off_t)at) == NW_SCAN_CONTEXT;
}

bool nw_code_seam_is_clean(const struct nw_image *before, uint64_t end, const struct nw_image *after, uint64_t start)
{
    uint8_t last[NW_SCAN_CONTEXT], first[NW_SCAN_CONTEXT];

    return end >= sizeof(last) && pread(before->fd, last, sizeof(last), (off_t)(end - sizeof(last))) == sizeof(last) &&
           pread(after->fd, first, sizeof(first), (off_t)start) == sizeof(first) && seam_clean(last, first);
}

/* Code that ends right before the new part, or starts right behind it, may continue in it; whether that code is
 * executable at this moment does not matter, since it can be made so again. The ends of the domain's range are no
 * seams: it begins with a page that nobody can access, and ends with data. */
static bool seams_clean(struct nw_memory *memory, uint64_t start, const struct part *part)
{
    uint64_t end = start + part->size;
    uint8_t edge[NW_SCAN_CONTEXT], beyond[NW_SCAN_CONTEXT];

    if (is_code(nw_regions_find(&memory->regions, start - 1)) &&
        (!read_edge(part, false, edge) ||
         nw_gate_copy(beyond, (const void *)(start - sizeof(beyond)), sizeof(beyond)) < 0 || !seam_clean(beyond, edge)))
        return false;
    return !is_code(nw_regions_find(&memory->regions, end)) ||
           (read_edge(part, true, edge) && nw_gate_copy(beyond, (const void *)end, sizeof(beyond)) == 0 &&
            seam_clean(edge, beyond));
}

/* ---- what the domain holds of its own; all with the lock held ---- */

static struct nw_code_image *held(const struct nw_held_code *code, uint64_t id)
{
    for (size_t i = 0; i < code->n; i++)
        if (code->images[i].id == id)
            return &code->images[i];
    return NULL;
}

static void give_back(struct nw_memory *memory, uint64_t size)
{
    memory->code.bytes -= size;
    nw_share_give(memory->account, NW_RESOURCE_IMAGE_BYTES, size);
}

/* What is kept for a snapshot takes memory like what is mapped, so it stays charged. */
static void mark_kept(struct nw_held_code *code)
{
    for (size_t i = 0; code->kept && i < code->kept->n_images; i++) {
        struct nw_code_image *image = held(code, code->kept->images[i].image->id);

        if (image)
            image->mapped = true;
    }
}

/* Gives back the charge of images of which nothing is mapped or kept any more; only when there is no room without. */
static void drop_unmapped(struct nw_memory *memory)
{
    struct nw_held_code *code = &memory->code;
    size_t kept = 0;

    for (size_t i = 0; i < code->n; i++)
        code->images[i].mapped = false;
    for (size_t i = 0; i < memory->regions.count; i++) {
        const struct nw_region *r = &memory->regions.regions[i];
        struct nw_code_image *image = r->kind == NW_REGION_OWN_CODE ? held(code, r->origin.id) : NULL;

        if (image)
            image->mapped = true;
    }
    mark_kept(code);
    for (size_t i = 0; i < code->n; i++)
        if (code->images[i].mapped)
            code->images[kept++] = code->images[i];
        else
            give_back(memory, code->images[i].size);
    code->n = kept;
}

static bool is_within_limits(struct nw_memory *memory, uint64_t size)
{
    return nw_without(NW_DEFENCE_MEMORY) || (nw_memory_used(memory) + size <= memory->limit &&
                                             nw_share_take(memory->account, NW_RESOURCE_IMAGE_BYTES, size) == 0);
}

static int take(struct nw_memory *memory, uint64_t size)
{
    bool taken = size == 0 || is_within_limits(memory, size);

    if (!taken) {
        drop_unmapped(memory);
        taken = is_within_limits(memory, size);
    }
    if (!taken && !nw__memory_fits(memory, memory->regions.charged + size))
        nw__shortage_note(memory, size);
    memory->code.bytes += taken ? size : 0;
    return taken ? 0 : -ENOMEM;
}

/* Charges an image for which `taken` bytes were taken, unless it is one that the domain has already. */
static int hold(struct nw_memory *memory, const struct nw_image *image, uint64_t taken)
{
    struct nw_held_code *code = &memory->code;
    struct nw_code_image *more;

    if (held(code, image->id) || image->size > taken) {
        give_back(memory, taken);
        return image->size > taken ? -ENOMEM : 0; /* the file grew meanwhile */
    }
    if (code->n == code->room) {
        more = realloc(code->images, (code->room * 2 + 8) * sizeof(*more));
        if (!more) {
            give_back(memory, taken);
            return -ENOMEM;
        }
        code->images = more;
        code->room = code->room * 2 + 8;
    }
    give_back(memory, taken - image->size);
    code->images[code->n++] = (struct nw_code_image){.id = image->id, .size = image->size};
    return 0;
}

static void keep(struct nw_memory *memory, const struct nw_domain_fd *file, uint64_t offset, const struct part *part)
{
    struct nw_kept *kept = memory->code.kept;
    struct nw_library library;

    if (kept && nw__memory_library(memory, file, &library) == 0)
        nw_kept_add_image(kept, part->image, part->trust, &library, offset - part->offset);
    else if (kept)
        kept->too_many = true;
}

static void say_refused(int fd, const struct nw_image_refusal *refusal, char why[NW_REASON_MAX])
{
    char link[NW_FD_LINK], name[128];
    ssize_t n;

    if (refusal->file_offset == 0) /* no instruction was found: at 0 a file has its ELF header */
        return;
    n = readlink(nw_fd_link(fd, link), name, sizeof(name));
    snprintf(why, NW_REASON_MAX, "%.*s: %s at file offset %#llx%s%.60s; a function may not hold this instruction",
             n > 0 ? (int)n : 9, n > 0 ? name : "a library", nw_scan_kind_name(refusal->kind),
             (unsigned long long)refusal->file_offset, refusal->symbol[0] ? ", in symbol " : "", refusal->symbol);
}

/* What a mapping has behind the end of its file becomes inaccessible memory: a loader maps a library's first segment
 * with a length that leaves room for all, and later maps the others over that. */
static int reserve_tail(struct nw_memory *memory, uint64_t start, uint64_t length)
{
    long at =
        length == 0 ? 0 : nw__memory_map_data(memory, start, length, PROT_NONE, MAP_FIXED | MAP_ANONYMOUS, NULL, 0);

    return at < 0 ? (int)at : 0;
}

static long put_part(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, bool fixed,
                     const struct part *part)
{
    enum nw_region_kind kind = part->trust ? NW_REGION_CODE : NW_REGION_OWN_CODE;
    const struct nw_region_origin origin = {part->image->id, part->offset, true, part->host};
    uint64_t start;
    int error = nw__memory_place(memory, hint, length, fixed, &start);

    if (!error && !seams_clean(memory, start, part))
        error = -EPERM;
    if (error)
        return error;
    error = reserve_tail(memory, start + part->size, length - part->size);
    if (!error)
        error = nw__memory_put(memory, start, part->size, prot, kind, part->image->fd, part->offset, &origin);
    if (error && !fixed && length > part->size)
        nw__memory_unmap_now(memory, start + part->size, length - part->size);
    return error ? error : (long)start;
}

/* What a file has behind `offset`, at most `length` bytes of it. */
static int file_part(const struct stat *file, uint64_t offset, uint64_t length, uint64_t *size)
{
    uint64_t left = (uint64_t)file->st_size - offset;

    if (file->st_size < 0 || offset >= (uint64_t)file->st_size)
        return -EINVAL;
    *size = nw_page_up(length < left ? length : left);
    return 0;
}

/*
 * A file that the host vouches for is one image, whatever is mapped of it: it costs the same however many domains map
 * how many parts, and nobody is charged. Of others each part that is asked for is an image of its own.
 */
static int find_image(const struct nw_domain_fd *file, const struct stat *st, uint64_t offset, uint64_t size,
                      bool build, struct part *part, struct nw_image_refusal *refusal)
{
    struct nw_images *images = nw_image_cache(file->trust);
    uint64_t from = file->trust ? 0 : offset, length = file->trust ? (uint64_t)st->st_size : size;
    struct nw_image *image;
    int error = build ? nw_images_acquire(images, file->fd, from, length, file->trust, &image, refusal)
                      : nw_images_find(images, st, from, length, file->trust, &image);

    if (error)
        return error;
    *part =
        (struct part){.image = image, .offset = offset - from, .size = size, .trust = file->trust, .host = file->host};
    if (part->offset + size > image->size) { /* the file became shorter meanwhile */
        nw_images_release(images, image);
        return -EINVAL;
    }
    return 0;
}

/* A domain builds one image at a time, so that it cannot keep all processors busy. */
static int build_image(struct nw_memory *memory, const struct nw_domain_fd *file, const struct stat *st,
                       uint64_t offset, uint64_t size, struct part *part, struct nw_image_refusal *refusal)
{
    int error;

    pthread_mutex_lock(&memory->code.building);
    error = find_image(file, st, offset, size, true, part, refusal);
    pthread_mutex_unlock(&memory->code.building);
    return error;
}

static int take_locked(struct nw_memory *memory, uint64_t size)
{
    int error;

    pthread_mutex_lock(&memory->lock);
    error = take(memory, size);
    pthread_mutex_unlock(&memory->lock);
    return error;
}

/* Lock held. */
static long map_part(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, bool fixed,
                     const struct nw_domain_fd *file, uint64_t offset, const struct part *part)
{
    long result = put_part(memory, hint, length, prot, fixed, part);

    if (nw_without(NW_DEFENCE_COPIES) && result >= 0)
        nw_pages_map(memory->tag, (uint64_t)result, part->size, prot, MAP_PRIVATE, file->fd, offset, &(bool){false});
    if (result >= 0)
        keep(memory, file, offset, part);
    if (result >= 0)
        nw_where_note(&memory->where, nw_where_kind_of(file->fd, file->trust, memory->own_file), (uint64_t)result,
                      part->size, file->fd, offset);
    return result;
}

/* An image is charged before it is built, with the most that it can be; `hold` gives back what it does not need. */
long nw__memory_map_code(struct nw_memory *memory, uint64_t hint, uint64_t length, int prot, bool fixed,
                         const struct nw_domain_fd *file, const struct stat *st, uint64_t offset,
                         struct nw_code_call *code)
{
    struct nw_image_refusal refusal = {0};
    struct part part = {.image = NULL};
    uint64_t size = 0, taken;
    long result = file_part(st, offset, length, &size);

    if (result)
        return result;
    taken = file->trust ? 0 : size;
    result = take_locked(memory, taken);
    if (result)
        return result;
    result = find_image(file, st, offset, size, false, &part, &refusal);
    if (result == -ENOENT)
        result = code->may_build ? build_image(memory, file, st, offset, size, &part, &refusal) : -NW_MEMORY_BUILDS;
    if (result == -EPERM)
        say_refused(file->fd, &refusal, code->why);
    pthread_mutex_lock(&memory->lock);
    if (result || file->trust)
        give_back(memory, taken);
    else
        result = hold(memory, part.image, taken);
    if (!result)
        result = map_part(memory, hint, length, prot, fixed, file, offset, &part);
    pthread_mutex_unlock(&memory->lock);
    if (part.image)
        nw_images_release(nw_image_cache(file->trust), part.image);
    return result;
}

void nw_code_files(struct nw_memory *memory, struct nw_where_files *files)
{
    pthread_mutex_lock(&memory->lock);
    *files = memory->where;
    pthread_mutex_unlock(&memory->lock);
}

void nw_code_where(struct nw_memory *memory, uint64_t address, char text[NW_WHERE_MAX])
{
    struct nw_where_files files;

    nw_code_files(memory, &files);
    nw_where(&files, memory->own_file, memory->account->name, address, text);
}
