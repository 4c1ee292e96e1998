/* See picture.h. */
#include "worker/snapshot/picture.h"
#include "worker/account/share.h"
#include "worker/base/limits.h"
#include "worker/image/programs.h"
#include "worker/memory/memory.h"
#include "worker/range/pages.h"
#include "worker/snapshot/peek.h"
#include "worker/snapshot/public_data.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARTS_MAX   (NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS)
#define ZEROS_LEAST 8            /* pages of zeros in a row that are worth a mapping of their own, without contents */
#define SMALL_MOST  (16ul << 10) /* public data up to this size is copied into the picture rather than shared */

/* Where the contents of a part come from. */
struct source {
    enum { NOTHING, DATA, PUBLIC_DATA, IMAGE } kind;
    struct nw_public_data *shared; /* PUBLIC_DATA */
    size_t image;                  /* IMAGE: in `images` */
    uint64_t offset;
};

struct nw_picture {
    uint64_t base;
    int fd;
    uint64_t size;
    uint64_t first_id, last_id; /* origin.id of parts that come from files, all of them newer than the domain's own */
    size_t n;
    struct nw_region *parts;
    struct source *sources;
    struct nw_kept_images images;
    struct nw_code_image *held; /* as in struct nw_held_code */
    size_t n_held;
    uint64_t held_bytes;
    struct nw_where_files where;
};

uint64_t nw__picture_size(const struct nw_picture *picture)
{
    return picture->size;
}

void nw__picture_free(struct nw_picture *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        if (p->sources[i].kind == PUBLIC_DATA)
            nw__public_data_drop(p->sources[i].shared);
    nw_kept_images_drop(&p->images);
    if (p->fd >= 0)
        close(p->fd);
    free(p->parts);
    free(p->sources);
    free(p->held);
    free(p);
}

/* ---- taking ---- */

/* Whether the part is empty like the one before it and otherwise alike: then they are one mapping. */
static bool continues(const struct nw_picture *p, const struct nw_region *part, const struct source *source)
{
    const struct nw_region *last = p->n > 0 ? &p->parts[p->n - 1] : NULL;

    return last && source->kind == NOTHING && p->sources[p->n - 1].kind == NOTHING && last->kind == part->kind &&
           last->prot == part->prot && last->charged == part->charged;
}

static int add(struct nw_picture *p, const struct nw_region *of, uint64_t start, uint64_t end,
               const struct source *source)
{
    struct nw_region part = *of;

    part.start = start;
    part.end = end;
    if (source->kind == NOTHING)
        part.origin = (struct nw_region_origin){.offset = start, .joins = true};
    else if (source->kind != IMAGE)
        part.origin = (struct nw_region_origin){
            .id = ++p->last_id,
            .offset = source->offset,
            .host = source->kind == PUBLIC_DATA && of->origin.host,
        };
    if (continues(p, &part, source)) {
        p->parts[p->n - 1].end = end;
        return 0;
    }
    if (p->n == PARTS_MAX)
        return -ENOMEM;
    p->parts[p->n] = part;
    p->sources[p->n++] = *source;
    return 0;
}

static int store(struct nw_picture *p, const uint8_t *bytes, size_t size)
{
    if (write(p->fd, bytes, size) != (ssize_t)size)
        return -ENOSPC;
    p->size += size;
    return 0;
}

static bool is_zero(const uint8_t page[NW_PAGE_SIZE])
{
    return page[0] == 0 && memcmp(page, page + 1, NW_PAGE_SIZE - 1) == 0;
}

static uint64_t piece_of(uint64_t length)
{
    return length < NW_PEEK_MOST ? length : NW_PEEK_MOST;
}

/* Part of a region: either its contents are stored, or it is nothing but zeros. */
struct run {
    uint64_t start, end;
    bool zero;
};

static int add_run(struct nw_picture *p, const struct nw_region *r, const struct run *run)
{
    const struct source source = {.kind = run->zero ? NOTHING : DATA, .offset = p->size};
    const uint8_t *bytes;
    int error = 0;

    for (uint64_t at = run->start, n; at < run->end && !run->zero && !error; at += n) {
        n = piece_of(run->end - at);
        bytes = nw__peek(at, n);
        error = bytes ? store(p, bytes, n) : -EFAULT;
    }
    return error || run->start == run->end ? error : add(p, r, run->start, run->end, &source);
}

/* Whether zeros become a part of their own; few of them are stored with the data before them instead. */
static bool is_apart(const struct run *zeros, const struct run *before)
{
    return zeros->end - zeros->start >= ZEROS_LEAST * NW_PAGE_SIZE || before->start == before->end;
}

/* The next page is `zero` or not; parts that end before it are added. 1: data were, so what nw__peek gave is gone. */
static int extend(struct nw_picture *p, const struct nw_region *r, struct run *data, struct run *zeros, bool zero)
{
    int error = 0, added = 0;

    if (zero) {
        zeros->end += NW_PAGE_SIZE;
        return 0;
    }
    if (is_apart(zeros, data)) {
        error = add_run(p, r, data);
        if (!error)
            error = add_run(p, r, zeros);
        added = data->start < data->end;
        data->start = zeros->end;
    }
    data->end = zeros->start = zeros->end = zeros->end + NW_PAGE_SIZE;
    return error ? error : added;
}

/* Memory that was written: long runs of zeros become empty memory, the rest is stored. A mapping of a file is stored
 * whole, so that it stays one part. */
static int take_data(struct nw_picture *p, const struct nw_region *r)
{
    struct run data = {r->start, r->start, false}, zeros = {r->start, r->start, true};
    const uint8_t *bytes = NULL;
    int error = 0;

    if (r->kind == NW_REGION_FILE)
        return add_run(p, r, &(struct run){r->start, r->end, false});
    for (uint64_t at = r->start, n; at < r->end && !error; at += n) {
        n = piece_of(r->end - at);
        bytes = nw__peek(at, n);
        error = bytes ? 0 : -EFAULT;
        for (uint64_t i = 0; i < n && error >= 0; i += NW_PAGE_SIZE) {
            if (error > 0 && !(bytes = nw__peek(at, n)))
                return -EFAULT;
            error = extend(p, r, &data, &zeros, is_zero(bytes + i));
        }
        error = error > 0 ? 0 : error;
    }
    if (!error)
        error = add_run(p, r, &data);
    return error ? error : add_run(p, r, &zeros);
}

/* A mapping of a file that was never writable: if it is large, it is shared with other pictures. */
static int take_public(struct nw_picture *p, const struct nw_region *r)
{
    struct source source = {.kind = PUBLIC_DATA};
    int error;

    if (!(r->prot & PROT_READ)) /* nw__peek cannot read it either */
        return -EACCES;
    if (r->end - r->start <= SMALL_MOST)
        return take_data(p, r);
    error = nw__public_data_share(r->start, r->end - r->start, &source.shared);
    if (!error && (error = add(p, r, r->start, r->end, &source)) < 0)
        nw__public_data_drop(source.shared);
    return error;
}

static int take_code(struct nw_picture *p, const struct nw_region *r)
{
    struct source source = {.kind = IMAGE, .offset = r->origin.offset};

    while (source.image < p->images.n && p->images.list[source.image].image->id != r->origin.id)
        source.image++;
    return source.image < p->images.n ? add(p, r, r->start, r->end, &source) : -ENOENT;
}

static int take_region(struct nw_picture *p, const struct nw_region *r)
{
    const struct source nothing = {.kind = NOTHING};

    switch (r->kind) {
    case NW_REGION_CODE:
    case NW_REGION_OWN_CODE:
        return take_code(p, r);
    case NW_REGION_SHARED:
        return -EACCES;
    case NW_REGION_FILE:
        if (!r->charged)
            return take_public(p, r);
        break;
    default:
        if (!r->charged)
            return add(p, r, r->start, r->end, &nothing);
        break;
    }
    return r->prot & PROT_READ ? take_data(p, r) : -EACCES;
}

static struct nw_picture *picture_new(const struct nw_memory *memory)
{
    struct nw_picture *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->fd = memfd_create("nightward-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    p->parts = calloc(PARTS_MAX, sizeof(*p->parts));
    p->sources = calloc(PARTS_MAX, sizeof(*p->sources));
    p->held = calloc(memory->code.n + 1, sizeof(*p->held));
    if (p->fd >= 0 && p->parts && p->sources && p->held)
        return p;
    nw__picture_free(p);
    return NULL;
}

/* The picture takes over the images that the domain kept for it, and copies what they are charged. */
static void take_images(struct nw_picture *p, struct nw_memory *memory)
{
    p->images = memory->code.kept;
    memory->code.kept = (struct nw_kept_images){0};
    p->n_held = memory->code.n;
    memcpy(p->held, memory->code.images, p->n_held * sizeof(*p->held));
    for (size_t i = 0; i < p->n_held; i++)
        p->held_bytes += p->held[i].size;
    p->where = memory->where;
    p->base = memory->base;
}

/* All but the contents. */
static int take_records(struct nw_picture *p, struct nw_memory *memory)
{
    int error = 0;

    pthread_mutex_lock(&memory->lock);
    if (memory->code.kept.too_many || memory->file_maps.n > 0)
        error = memory->file_maps.n > 0 ? -EACCES : -ENOENT;
    take_images(p, memory);
    p->last_id = memory->regions.last_id;
    p->first_id = p->last_id + 1;
    pthread_mutex_unlock(&memory->lock);
    return error;
}

/* Without the memory's lock: copying may take long, and an executor that takes the domain's key away waits for it.
 * Nothing runs in the domain, so its mappings change in nothing but their key, and the taker can read with any. */
static int take_contents(struct nw_picture *p, const struct nw_regions *regions)
{
    const struct source nothing = {.kind = NOTHING};
    int error = 0;

    for (size_t i = 0; i < regions->count && !error; i++) {
        const struct nw_region *r = &regions->regions[i];

        error = r->kind == NW_REGION_GAP ? add(p, r, r->start, r->end, &nothing) : take_region(p, r);
    }
    return error;
}

static void shrink(struct nw_picture *p)
{
    struct nw_region *parts = realloc(p->parts, (p->n + 1) * sizeof(*parts));
    struct source *sources = realloc(p->sources, (p->n + 1) * sizeof(*sources));

    p->parts = parts ? parts : p->parts;
    p->sources = sources ? sources : p->sources;
}

static const char *reason(int error)
{
    switch (error) {
    case -EACCES:
        return "it shares memory with files, or has memory that it cannot read";
    case -ENOENT:
        return "it has mapped more libraries than a snapshot holds";
    default:
        return "memory is out, or part of a file that it has mapped is gone";
    }
}

struct nw_picture *nw__picture_take(struct nw_memory *memory, const char **why)
{
    struct nw_picture *p = picture_new(memory);
    int error = p ? take_records(p, memory) : -ENOMEM;

    if (!error)
        error = take_contents(p, &memory->regions);
    if (!error && fcntl(p->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        error = -errno;
    if (!error) {
        shrink(p);
        return p;
    }
    *why = reason(error);
    nw__picture_free(p);
    return NULL;
}

/* ---- putting ---- */

static int put_part(struct nw_memory *memory, const struct nw_picture *p, const struct nw_region *part,
                    const struct source *source)
{
    const uint64_t length = part->end - part->start;
    const int key = nw_memory_key(memory, nw_region_is_public(part, part->prot));
    bool gone;

    switch (source->kind) {
    case NOTHING:
        return part->prot ? nw_pages_protect(key, part->start, length, part->prot) : 0;
    case DATA:
        return nw_pages_map(key, part->start, length, part->prot, MAP_PRIVATE | MAP_NORESERVE, p->fd, source->offset,
                            &gone);
    case PUBLIC_DATA:
        return nw_pages_map(key, part->start, length, part->prot, MAP_PRIVATE | MAP_NORESERVE,
                            nw__public_data_file(source->shared), 0, &gone);
    case IMAGE:
        break;
    }
    return nw_pages_map(key, part->start, length, part->prot, MAP_PRIVATE | MAP_NORESERVE,
                        p->images.list[source->image].image->fd, source->offset, &gone);
}

/* Charges the domain for all mappings and images of the picture, before any is made. */
static int take_shares(struct nw_memory *memory, const struct nw_picture *p)
{
    const uint64_t held = nw_share_used(memory->account, NW_RESOURCE_MAPPINGS), needed = p->n + NW_MONITOR_MAPPINGS;
    int error = needed > held ? nw_share_take(memory->account, NW_RESOURCE_MAPPINGS, needed - held) : 0;

    return error ? error : nw_share_take(memory->account, NW_RESOURCE_IMAGE_BYTES, p->held_bytes);
}

static int put_code(struct nw_memory *memory, const struct nw_picture *p)
{
    struct nw_held_code *code = &memory->code;

    code->images = malloc((p->n_held + 1) * sizeof(*code->images));
    if (!code->images)
        return -ENOMEM;
    memcpy(code->images, p->held, p->n_held * sizeof(*code->images));
    code->n = p->n_held;
    code->room = p->n_held + 1;
    code->bytes = p->held_bytes;
    memory->where = p->where;
    return 0;
}

int nw__picture_put(struct nw_memory *memory, const struct nw_picture *p)
{
    int error = memory->base == p->base ? take_shares(memory, p) : -EINVAL;

    pthread_mutex_lock(&memory->lock);
    if (!error)
        error = put_code(memory, p);
    if (!error)
        error = nw_regions_load(&memory->regions, p->parts, p->n, p->last_id);
    for (size_t i = 0; i < p->n && !error; i++)
        error = put_part(memory, p, &p->parts[i], &p->sources[i]);
    memory->copied.first = p->first_id;
    memory->copied.last = p->last_id;
    if (!error)
        nw_memory_settle(memory);
    pthread_mutex_unlock(&memory->lock);
    return error;
}
