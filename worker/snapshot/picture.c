/* See picture.h. */
#include "worker/snapshot/picture.h"
#include "protect/gate/without.h"
#include "worker/account/share.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/image/image.h"
#include "worker/image/kept.h"
#include "worker/image/programs.h"
#include "worker/memory/memory.h"
#include "worker/path/resolve.h"
#include "worker/range/pages.h"
#include "worker/snapshot/read.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_ID 16 /* origin.id of the parts that have contents; a range that was just made has none of these */

struct library {
    int fd; /* -1: not open */
    bool trust, host, shared;
};

struct picture_image {
    struct nw_image *image; /* NULL: not there */
    bool trust, host;
};

struct nw_picture {
    uint64_t base;
    int fd;
    uint64_t size; /* of its file */
    size_t n;
    struct nw_region *parts;
    struct nw_file_part *sources;
    uint64_t last_id;
    size_t n_images;
    struct picture_image images[NW_KEPT_IMAGES];
    struct library libraries[NW_KEPT_LIBRARIES]; /* those that parts are mapped from stay open */
    struct nw_code_image held[NW_KEPT_IMAGES];   /* as in struct nw_held_code */
    size_t n_held;
    uint64_t held_bytes, charged;
    struct nw_where_files where;
};

int nw__picture_file(const struct nw_picture *picture)
{
    return picture->fd;
}

uint64_t nw__picture_size(const struct nw_picture *picture)
{
    return picture->size;
}

static void close_library(struct library *library)
{
    if (library->shared)
        nw_library_drop(library->fd);
    else if (library->fd >= 0)
        close(library->fd);
    *library = (struct library){.fd = -1};
}

void nw__picture_free(struct nw_picture *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_images; i++)
        if (p->images[i].image)
            nw_images_release(nw_image_cache(p->images[i].trust), p->images[i].image);
    for (size_t i = 0; i < NW_KEPT_LIBRARIES; i++)
        close_library(&p->libraries[i]);
    if (p->fd >= 0)
        close(p->fd);
    free(p->parts);
    free(p->sources);
    free(p);
}

/* ---- libraries ---- */

/* As the domain itself would open it, and with what it would be given. */
static int open_by_path(struct nw_domain *domain, const struct nw_library *file, struct library *library)
{
    struct nw_resolved place;
    int error;

    snprintf(place.path, sizeof(place.path), "%s", file->path);
    error = nw_resolve(domain, (uint64_t)AT_FDCWD, &place);
    if (error)
        return error;
    library->fd = nw_resolved_open(domain, &place, O_RDONLY | O_CLOEXEC, 0);
    nw_resolved_leave(domain, &place);
    if (library->fd < 0)
        return library->fd;
    library->host = nw_resolved_is_host(&place, library->fd, &library->trust);
    return 0;
}

static int open_library(struct nw_domain *domain, const struct nw_library *file, struct library *library)
{
    const bool ours = file->kind == NW_LIBRARY_STUB || file->kind == NW_LIBRARY_LOADER;
    int error = 0;

    if (file->kind == NW_LIBRARY_PATH_OF) {
        error = open_by_path(domain, file, library);
    } else {
        library->fd = fcntl(file->kind == NW_LIBRARY_STUB     ? nw_program_stub()
                            : file->kind == NW_LIBRARY_LOADER ? nw_program_loader()
                                                              : domain->function->so,
                            F_DUPFD_CLOEXEC, 0);
        library->trust = library->host = ours;
        error = library->fd < 0 ? -errno : 0;
    }
    return error ? error : nw_library_is(file, library->fd) ? 0 : -ESTALE;
}

static const char *name_of(const struct nw_library *file)
{
    return file->kind == NW_LIBRARY_PATH_OF  ? file->path
           : file->kind == NW_LIBRARY_LOADER ? NW_LOADER_PATH
           : file->kind == NW_LIBRARY_STUB   ? "the stub"
                                             : "the function's own file";
}

static int open_libraries(struct nw_picture *p, struct nw_domain *domain, const struct nw_tables *t,
                          char why[NW_REASON_MAX])
{
    for (size_t i = 0; i < t->tail.n_libraries; i++) {
        const int error = open_library(domain, &t->libraries[i], &p->libraries[i]);

        if (error) {
            snprintf(why, NW_REASON_MAX, "%.150s %s", name_of(&t->libraries[i]),
                     error == -ESTALE ? "is not the file any more that it was" : "cannot be opened any more");
            return error;
        }
    }
    return 0;
}

/* ---- code ---- */

static int acquire(struct nw_picture *p, const struct nw_file_image *from, struct picture_image *image)
{
    const struct library *library = &p->libraries[from->library];
    struct nw_image_refusal refusal;
    struct stat st;
    int error;

    if (fstat(library->fd, &st) < 0)
        return -errno;
    image->trust = library->trust;
    image->host = library->host;
    error =
        nw_images_acquire(nw_image_cache(library->trust), library->fd, library->trust ? 0 : from->offset,
                          library->trust ? (size_t)st.st_size : from->size, library->trust, &image->image, &refusal);
    if (error)
        image->image = NULL;
    return error ? error : image->image->size == from->size && (!library->trust || !from->offset) ? 0 : -ESTALE;
}

/* What is no file of the host is charged, before it is made. */
static int acquire_images(struct nw_picture *p, const struct nw_tables *t, uint64_t limit)
{
    int error = 0;

    for (size_t i = 0; i < t->tail.n_images && !error; i++) {
        const struct nw_file_image *from = &t->images[i];
        const bool trust = p->libraries[from->library].trust;

        p->held_bytes += trust ? 0 : from->size;
        if (p->held_bytes > limit)
            return -ENOMEM;
        error = acquire(p, from, &p->images[p->n_images++]);
        if (!error && !trust)
            p->held[p->n_held++] = (struct nw_code_image){.id = p->images[i].image->id, .size = from->size};
    }
    return error;
}

/* ---- parts ---- */

static struct nw_region region_of(struct nw_picture *p, const struct nw_file_part *part)
{
    struct nw_region region = {
        .start = part->start, .end = part->end, .prot = part->prot, .kind = part->kind, .charged = part->charged};

    if (part->source == NW_PART_ZEROS)
        region.origin = (struct nw_region_origin){.offset = part->start, .joins = true};
    else if (part->source == NW_PART_IMAGE)
        region.origin = (struct nw_region_origin){.id = p->images[part->index].image->id,
                                                  .offset = part->offset,
                                                  .joins = true,
                                                  .host = p->images[part->index].host};
    else
        region.origin =
            (struct nw_region_origin){.id = ++p->last_id,
                                      .offset = part->offset,
                                      .host = part->source == NW_PART_LIBRARY && p->libraries[part->index].host};
    return region;
}

/* Whether it is of that kind of code which its image is. */
static bool fits_image(const struct nw_picture *p, const struct nw_file_part *part)
{
    return part->source != NW_PART_IMAGE || (part->kind == NW_REGION_CODE) == p->images[part->index].trust;
}

static int make_parts(struct nw_picture *p, const struct nw_tables *t)
{
    const size_t n = t->tail.n_parts;

    p->parts = malloc((n + 1) * sizeof(*p->parts));
    p->sources = malloc((n + 1) * sizeof(*p->sources));
    if (!p->parts || !p->sources)
        return -ENOMEM;
    memcpy(p->sources, t->parts, n * sizeof(*p->sources));
    for (p->n = 0; p->n < n; p->n++) {
        if (!fits_image(p, &p->sources[p->n]))
            return -EBADMSG;
        p->parts[p->n] = region_of(p, &p->sources[p->n]);
        p->charged += p->parts[p->n].charged ? p->parts[p->n].end - p->parts[p->n].start : 0;
    }
    return 0;
}

static bool parts_are_valid(const struct nw_picture *p)
{
    const struct nw_regions regions = {.start = p->base + NW_PAGE_SIZE,
                                       .end = nw_memory_areas(p->base + NW_DOMAIN_RANGE),
                                       .regions = p->parts,
                                       .count = p->n,
                                       .max = p->n,
                                       .charged = p->charged};

    return nw_without(NW_DEFENCE_TABLES) || nw_regions_is_valid(&regions);
}

static bool is_code(const struct nw_file_part *part)
{
    return part->source == NW_PART_IMAGE;
}

/* Where two images meet a forbidden instruction might begin in one and end in the other. */
static bool seams_are_clean(const struct nw_picture *p)
{
    for (size_t i = 1; i < p->n; i++) {
        const struct nw_file_part *before = &p->sources[i - 1], *after = &p->sources[i];

        if (is_code(before) && is_code(after) &&
            !nw_code_seam_is_clean(p->images[before->index].image, before->offset + (before->end - before->start),
                                   p->images[after->index].image, after->offset))
            return false;
    }
    return true;
}

static enum nw_where_kind whose(const struct nw_library *file, bool trust)
{
    if (file->kind == NW_LIBRARY_PATH_OF)
        return trust ? NW_WHERE_HOST : NW_WHERE_LIBRARY;
    return file->kind == NW_LIBRARY_OWN ? NW_WHERE_OWN : NW_WHERE_HOST;
}

static void note_code(struct nw_picture *p, const struct nw_tables *t)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct nw_file_part *part = &p->sources[i];
        const struct nw_file_image *image;
        const struct nw_library *file;

        if (part->source != NW_PART_IMAGE)
            continue;
        image = &t->images[part->index];
        file = &t->libraries[image->library];
        nw_where_note_path(&p->where, whose(file, p->images[part->index].trust), part->start, part->end - part->start,
                           name_of(file), image->offset + part->offset);
    }
}

/* Keeps those from which data are mapped. Of the others nothing is needed but the images. */
static void keep_libraries(struct nw_picture *p)
{
    bool needed[NW_KEPT_LIBRARIES] = {false};

    for (size_t i = 0; i < p->n; i++)
        if (p->sources[i].source == NW_PART_LIBRARY)
            needed[p->sources[i].index] = true;
    for (size_t i = 0; i < NW_KEPT_LIBRARIES; i++) {
        struct library *library = &p->libraries[i];

        if (!needed[i]) {
            close_library(library);
            continue;
        }
        library->fd = nw_library_share(library->fd);
        library->shared = true;
    }
}

static int fill(struct nw_picture *p, struct nw_domain *domain, const struct nw_tables *t, char why[NW_REASON_MAX])
{
    int error = open_libraries(p, domain, t, why);

    if (error)
        return error;
    error = acquire_images(p, t, domain->function->memory);
    if (!error)
        error = make_parts(p, t);
    snprintf(why, NW_REASON_MAX, "%s",
             error == -EPERM                        ? "its code holds an instruction that it may not"
             : error == -EBADMSG                    ? "it is damaged"
             : error == -ESTALE || error == -EINVAL ? "its libraries are not what they were"
             : error                                ? "memory is out, or its memory limit was lowered"
                                                    : "");
    if (error)
        return error;
    snprintf(why, NW_REASON_MAX, "it is damaged");
    if (!parts_are_valid(p) || !seams_are_clean(p))
        return -EBADMSG;
    if (p->charged + p->held_bytes + p->size + nw_deployed_stacks(domain->function) > domain->function->memory) {
        snprintf(why, NW_REASON_MAX, "it needs more memory than the function may have");
        return -ENOMEM;
    }
    note_code(p, t);
    keep_libraries(p);
    return 0;
}

struct nw_picture *nw__picture_open(struct nw_domain *domain, int fd, const struct nw_tables *tables,
                                    char why[NW_REASON_MAX])
{
    struct nw_picture *p = calloc(1, sizeof(*p));

    if (!p) {
        close(fd);
        snprintf(why, NW_REASON_MAX, "memory is out");
        return NULL;
    }
    p->fd = fd;
    p->size = tables->size;
    p->base = tables->tail.range;
    p->last_id = FIRST_ID - 1;
    for (size_t i = 0; i < NW_KEPT_LIBRARIES; i++)
        p->libraries[i].fd = -1;
    if (fill(p, domain, tables, why) == 0)
        return p;
    nw__picture_free(p);
    return NULL;
}

/* ---- putting ---- */

static int key_of(const struct nw_memory *memory, const struct nw_region *part)
{
    return nw_memory_key(memory, nw_region_is_public(part, part->prot));
}

static int file_of(const struct nw_picture *p, const struct nw_file_part *source)
{
    switch ((enum nw_part_source)source->source) {
    case NW_PART_LIBRARY:
        return p->libraries[source->index].fd;
    case NW_PART_IMAGE:
        return p->images[source->index].image->fd;
    default:
        return p->fd;
    }
}

static int put_part(struct nw_memory *memory, const struct nw_picture *p, const struct nw_region *part,
                    const struct nw_file_part *source)
{
    const uint64_t length = part->end - part->start;
    bool gone;

    if (source->source == NW_PART_ZEROS)
        return part->prot ? nw_pages_protect(key_of(memory, part), part->start, length, part->prot) : 0;
    return nw_pages_map(key_of(memory, part), part->start, length, part->prot, MAP_PRIVATE | MAP_NORESERVE,
                        file_of(p, source), source->offset, &gone);
}

/* Whether part i + 1 lies behind part i in the snapshot's file, too: one mapping has both, as long as nobody may do
 * anything there. */
static bool lies_behind(const struct nw_picture *p, size_t i)
{
    const struct nw_file_part *part = &p->sources[i], *next = part + 1;

    return i + 1 < p->n && part->source == NW_PART_DATA && next->source == NW_PART_DATA &&
           next->offset == part->offset + (part->end - part->start) && next->start == part->end;
}

/* Maps all that comes from files, in key 0, which no domain has. */
static int lay_parts(const struct nw_picture *p)
{
    int error = 0;

    for (size_t i = 0, last; i < p->n && !error; i = last + 1) {
        const struct nw_file_part *part = &p->sources[i];
        const int prot = part->source == NW_PART_DATA ? PROT_READ : part->prot;

        for (last = i; lies_behind(p, last);)
            last++;
        if (part->source != NW_PART_ZEROS)
            error = nw_pages_lay(part->start, p->sources[last].end - part->start, prot, MAP_PRIVATE | MAP_NORESERVE,
                                 file_of(p, part), part->offset);
    }
    return error;
}

/* Whether the part has to be given rights: others are as they were reserved. */
static bool has_rights(const struct nw_picture *p, size_t i)
{
    return p->parts[i].prot || p->sources[i].source != NW_PART_ZEROS;
}

/* Whether part i + 1 gets the same rights in the same key as part i, so that one call does. */
static bool is_alike(const struct nw_memory *memory, const struct nw_picture *p, size_t i)
{
    const struct nw_region *part = &p->parts[i], *next = part + 1;

    return i + 1 < p->n && has_rights(p, i + 1) && next->start == part->end && next->prot == part->prot &&
           key_of(memory, next) == key_of(memory, part);
}

static int open_parts(const struct nw_memory *memory, const struct nw_picture *p)
{
    int error = 0;

    for (size_t i = 0, last; i < p->n && !error; i = last + 1) {
        const struct nw_region *part = &p->parts[i];

        for (last = i; has_rights(p, i) && is_alike(memory, p, last);)
            last++;
        if (has_rights(p, i))
            error = nw_pages_protect(key_of(memory, part), part->start, p->parts[last].end - part->start, part->prot);
    }
    return error;
}

size_t nw__picture_parts(const struct nw_picture *p, const struct nw_region **parts)
{
    *parts = p->parts;
    return p->n;
}

bool nw__picture_lacks(const struct nw_memory *memory, const struct nw_picture *p)
{
    return memory->code.n != p->n_held || memory->file_maps.n > 0;
}

int nw__picture_put_again(struct nw_memory *memory, const struct nw_picture *p, size_t i)
{
    return put_part(memory, p, &p->parts[i], &p->sources[i]);
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
    if (nw_without(NW_DEFENCE_TABLES))
        error = 0;
    if (!error)
        error = lay_parts(p);
    if (!error)
        error = open_parts(memory, p);
    memory->copy = p->size;
    memory->copied.first = FIRST_ID;
    memory->copied.last = p->last_id;
    memory->pristine = memory->regions.changes;
    if (!error)
        nw_memory_settle(memory);
    pthread_mutex_unlock(&memory->lock);
    return error;
}
