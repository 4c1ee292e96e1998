/* See write.h. */
#include "worker/snapshot/write.h"
#include "worker/base/limits.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/image/image.h"
#include "worker/image/kept.h"
#include "worker/memory/memory.h"
#include "worker/snapshot/format.h"
#include "worker/snapshot/machine.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARTS_MAX   (NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS)
#define ZEROS_LEAST 8             /* pages of zeros in a row that are worth a mapping of their own, without contents */
#define SMALL_MOST  (16ul << 10)  /* constants of a library up to this size are copied rather than mapped again */
#define PEEK_MOST   (256ul << 10) /* bytes that are looked at at a time */

struct writing {
    int fd;
    uint64_t size; /* of the contents so far */
    uint64_t room; /* bytes that the domain's memory limit allows yet */
    const struct nw_kept *kept;
    size_t n;
    struct nw_file_part *parts;
};

/* ---- memory that the kernel reads for us, so that what cannot be read is an error and no fault ---- */

static int peek_file;
static const uint8_t *peeked;

/* The worker's seccomp filter allows ftruncate only in some profiles, so the file grows by a write. */
int nw__write_init(void)
{
    static const uint8_t zeros[PEEK_MOST];
    void *map;

    peek_file = memfd_create("nightward-peek", MFD_CLOEXEC);
    if (peek_file < 0)
        return -errno;
    if (write(peek_file, zeros, sizeof(zeros)) != (ssize_t)sizeof(zeros))
        return -ENOSPC;
    map = mmap(NULL, PEEK_MOST, PROT_READ, MAP_SHARED, peek_file, 0);
    peeked = map == MAP_FAILED ? NULL : map;
    nw__machine_measure();
    return peeked ? 0 : -errno;
}

/* At most PEEK_MOST bytes, which stay until the next call; NULL where they cannot be read. */
static const uint8_t *peek(uint64_t at, uint64_t size)
{
    const bool read = lseek(peek_file, 0, SEEK_SET) == 0 && write(peek_file, (const void *)at, size) == (ssize_t)size;

    return read ? peeked : NULL;
}

/* ---- parts ---- */

/* Whether the part is empty like the one before it and otherwise alike: then they are one mapping. */
static bool continues(const struct writing *w, const struct nw_file_part *part)
{
    const struct nw_file_part *last = w->n > 0 ? &w->parts[w->n - 1] : NULL;

    return last && part->source == NW_PART_ZEROS && last->source == NW_PART_ZEROS && last->kind == part->kind &&
           last->prot == part->prot && last->charged == part->charged;
}

static int add(struct writing *w, const struct nw_region *r, const struct nw_file_part *what)
{
    struct nw_file_part part = *what;

    part.prot = r->prot;
    part.kind = r->kind;
    part.charged = r->charged;
    if (continues(w, &part)) {
        w->parts[w->n - 1].end = part.end;
        return 0;
    }
    if (w->n == PARTS_MAX)
        return -ENOENT;
    w->parts[w->n++] = part;
    return 0;
}

static int add_whole(struct writing *w, const struct nw_region *r, uint8_t source, uint32_t index, uint64_t offset)
{
    return add(w, r, &(struct nw_file_part){r->start, r->end, offset, index, source, 0, 0, 0});
}

static int append(struct writing *w, const void *bytes, size_t size)
{
    if (size > w->room)
        return -EFBIG;
    if (write(w->fd, bytes, size) != (ssize_t)size)
        return -ENOSPC;
    w->room -= size;
    return 0;
}

static bool is_zero(const uint8_t page[NW_PAGE_SIZE])
{
    return page[0] == 0 && memcmp(page, page + 1, NW_PAGE_SIZE - 1) == 0;
}

static uint64_t piece_of(uint64_t length)
{
    return length < PEEK_MOST ? length : PEEK_MOST;
}

/* Part of a region: either its contents are stored, or it is nothing but zeros. */
struct run {
    uint64_t start, end;
    bool zero;
};

static int add_run(struct writing *w, const struct nw_region *r, const struct run *run)
{
    const struct nw_file_part part = {.start = run->start,
                                      .end = run->end,
                                      .offset = run->zero ? 0 : w->size,
                                      .source = run->zero ? NW_PART_ZEROS : NW_PART_DATA};
    const uint8_t *bytes;
    int error = 0;

    for (uint64_t at = run->start, n; at < run->end && !run->zero && !error; at += n) {
        n = piece_of(run->end - at);
        bytes = peek(at, n);
        error = bytes ? append(w, bytes, n) : -EFAULT;
        w->size += error ? 0 : n;
    }
    return error || run->start == run->end ? error : add(w, r, &part);
}

/* Whether zeros become a part of their own; few of them are stored with the data before them instead. */
static bool is_apart(const struct run *zeros, const struct run *before)
{
    return zeros->end - zeros->start >= ZEROS_LEAST * NW_PAGE_SIZE || before->start == before->end;
}

/* The next page is `zero` or not; parts that end before it are added. 1: data were, so what peek gave is gone. */
static int extend(struct writing *w, const struct nw_region *r, struct run *data, struct run *zeros, bool zero)
{
    int error = 0, added = 0;

    if (zero) {
        zeros->end += NW_PAGE_SIZE;
        return 0;
    }
    if (is_apart(zeros, data)) {
        error = add_run(w, r, data);
        if (!error)
            error = add_run(w, r, zeros);
        added = data->start < data->end;
        data->start = zeros->end;
    }
    data->end = zeros->start = zeros->end = zeros->end + NW_PAGE_SIZE;
    return error ? error : added;
}

/* Memory that was written: long runs of zeros become empty memory, the rest is stored. A mapping of a file is stored
 * whole, so that it stays one part. */
static int add_data(struct writing *w, const struct nw_region *r)
{
    struct run data = {r->start, r->start, false}, zeros = {r->start, r->start, true};
    const uint8_t *bytes = NULL;
    int error = 0;

    if (r->kind == NW_REGION_FILE)
        return add_run(w, r, &(struct run){r->start, r->end, false});
    for (uint64_t at = r->start, n; at < r->end && !error; at += n) {
        n = piece_of(r->end - at);
        bytes = peek(at, n);
        error = bytes ? 0 : -EFAULT;
        for (uint64_t i = 0; i < n && error >= 0; i += NW_PAGE_SIZE) {
            if (error > 0 && !(bytes = peek(at, n)))
                return -EFAULT;
            error = extend(w, r, &data, &zeros, is_zero(bytes + i));
        }
        error = error > 0 ? 0 : error;
    }
    if (!error)
        error = add_run(w, r, &data);
    return error ? error : add_run(w, r, &zeros);
}

/* A mapping of a file that was never writable: it has what the file has. */
static int add_constants(struct writing *w, const struct nw_region *r)
{
    const struct nw_kept_data *data = nw_kept_find_data(w->kept, r->origin.id);
    const bool readable = r->prot & PROT_READ;

    if (readable && (!data || r->end - r->start <= SMALL_MOST))
        return add_data(w, r);
    return data ? add_whole(w, r, NW_PART_LIBRARY, data->library, data->offset + r->origin.offset) : -EACCES;
}

static int add_code(struct writing *w, const struct nw_region *r)
{
    uint32_t image = 0;

    while (image < w->kept->n_images && w->kept->images[image].image->id != r->origin.id)
        image++;
    return image < w->kept->n_images ? add_whole(w, r, NW_PART_IMAGE, image, r->origin.offset) : -ENOENT;
}

static int add_region(struct writing *w, const struct nw_region *r)
{
    switch (r->kind) {
    case NW_REGION_GAP:
        return add_whole(w, r, NW_PART_ZEROS, 0, 0);
    case NW_REGION_CODE:
    case NW_REGION_OWN_CODE:
        return add_code(w, r);
    case NW_REGION_SHARED:
        return -EACCES;
    case NW_REGION_FILE:
        if (!r->charged)
            return add_constants(w, r);
        break;
    default:
        if (!r->charged)
            return add_whole(w, r, NW_PART_ZEROS, 0, 0);
        break;
    }
    return r->prot & PROT_READ ? add_data(w, r) : -EACCES;
}

/* Without the memory's lock: copying may take long, and an executor that takes the domain's key away waits for it.
 * Nothing runs in the domain, so its mappings change in nothing but their key, and the taker can read with any. */
static int add_regions(struct writing *w, const struct nw_regions *regions)
{
    int error = 0;

    for (size_t i = 0; i < regions->count && !error; i++)
        error = add_region(w, &regions->regions[i]);
    return error;
}

/* ---- tables ---- */

static struct nw_file_flow flow_of(const struct nw_slot *slot)
{
    return (struct nw_file_flow){.rsp = slot->gate.rsp,
                                 .fs = slot->gate.fs,
                                 .mxcsr = slot->gate.mxcsr,
                                 .fcw = slot->gate.fcw,
                                 .clear_tid = slot->clear_tid,
                                 .inbox = slot->inbox.at,
                                 .inbox_size = slot->inbox.size,
                                 .mask = slot->signals.mask,
                                 .stack = slot->signals.stack,
                                 .stack_size = slot->signals.stack_size,
                                 .stack_flags = slot->signals.stack_flags,
                                 .tid = slot->tid};
}

static int append_images(struct writing *w)
{
    int error = 0;

    for (size_t i = 0; i < w->kept->n_images && !error; i++) {
        const struct nw_kept_image *kept = &w->kept->images[i];
        const struct nw_file_image image = {kept->offset, kept->image->size, kept->library, 0};

        error = append(w, &image, sizeof(image));
    }
    return error;
}

static int append_tables(struct writing *w, const struct nw_domain *domain)
{
    struct nw_file_tail tail = {.range = domain->memory.base,
                                .machine = nw__machine(),
                                .contents = w->size,
                                .n_parts = (uint32_t)w->n,
                                .n_images = (uint32_t)w->kept->n_images,
                                .n_libraries = (uint32_t)w->kept->n_libraries,
                                .magic = NW_SNAPSHOT_MAGIC};
    int error = append(w, w->parts, w->n * sizeof(*w->parts));

    memcpy(tail.actions, domain->signals.actions, sizeof(tail.actions));
    for (size_t i = 0; i < NW_SNAPSHOT_FLOWS; i++)
        tail.flows[i] = flow_of(&domain->slots[i]);
    if (!error)
        error = append_images(w);
    if (!error && w->kept->n_libraries > 0)
        error = append(w, w->kept->libraries, w->kept->n_libraries * sizeof(w->kept->libraries[0]));
    return error ? error : append(w, &tail, sizeof(tail));
}

static int write_all(struct writing *w, struct nw_domain *domain)
{
    int error = domain->memory.file_maps.n > 0 ? -EACCES : w->kept->too_many ? -ENOENT : 0;

    if (!error)
        error = add_regions(w, &domain->memory.regions);
    if (!error)
        error = append_tables(w, domain);
    if (!error && fcntl(w->fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        error = -errno;
    return error;
}

static const char *reason(int error)
{
    switch (error) {
    case -EACCES:
        return "it shares memory with files, or has memory that it cannot read";
    case -ENOENT:
        return "it has mapped more libraries than a snapshot holds";
    case -EFBIG:
        return "its memory limit leaves no room for a copy of what it wrote while it was loaded; raise memory";
    default:
        return "memory is out, or part of a file that it has mapped is gone";
    }
}

/* The snapshot counts as the domain's memory, which has yet to make the stacks of its func workers. */
static uint64_t room_in(const struct nw_domain *domain)
{
    const uint64_t limit = domain->memory.limit;
    const uint64_t used = nw_memory_used(&domain->memory) + nw_deployed_stacks(domain->function);

    return used < limit ? limit - used : 0;
}

int nw__write(struct nw_domain *domain, const char **why)
{
    struct writing w = {.fd = memfd_create("nightward-snapshot", MFD_CLOEXEC | MFD_ALLOW_SEALING),
                        .room = room_in(domain),
                        .kept = domain->memory.code.kept,
                        .parts = calloc(PARTS_MAX, sizeof(*w.parts))};
    int error = w.fd >= 0 && w.kept && w.parts ? write_all(&w, domain) : -ENOMEM;

    free(w.parts);
    if (!error)
        return w.fd;
    if (w.fd >= 0)
        close(w.fd);
    *why = reason(error);
    return -1;
}
