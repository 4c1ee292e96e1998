/* See read.h. */
#include "worker/snapshot/read.h"
#include "protect/gate/without.h"
#include "worker/base/limits.h"
#include "worker/image/image.h"
#include "worker/image/kept.h"
#include "worker/memory/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS_MAX   (NW_LIMIT_MAPPINGS - NW_MONITOR_MAPPINGS)
#define SEALS       (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define ADDRESS_MAX (1ul << 47)
#define TID_MAX     (1u << 30) /* libc keeps two more bits beside it in some locks */
#define MXCSR_VALID 0xffffu    /* other bits are a fault for who loads them */
#define STACK_FLAGS (1u << 31)
#define RIGHTS      (PROT_READ | PROT_WRITE | PROT_EXEC)

struct bounds {
    uint64_t start, end; /* of the domain's memory */
};

static bool is_page(uint64_t n)
{
    return n % NW_PAGE_SIZE == 0;
}

/* Whether `length` bytes from `offset` on are among `size`. */
static bool is_within(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

static bool is_inside(const struct bounds *b, uint64_t at, uint64_t length)
{
    return at >= b->start && at <= b->end && length <= b->end - at;
}

/* ---- parts ---- */

static bool is_code(const struct nw_file_part *part)
{
    return part->kind == NW_REGION_CODE || part->kind == NW_REGION_OWN_CODE;
}

static bool source_is_valid(const struct nw_tables *t, const struct nw_file_part *part)
{
    const uint64_t length = part->end - part->start;
    const bool file = part->kind == NW_REGION_FILE;

    if (!is_page(part->offset) || is_code(part) != (part->source == NW_PART_IMAGE))
        return false;
    switch (part->source) {
    case NW_PART_ZEROS:
        return !file;
    case NW_PART_DATA:
        return part->kind != NW_REGION_GAP && is_within(part->offset, length, t->tail.contents);
    case NW_PART_LIBRARY:
        return file && !part->charged && !(part->prot & PROT_WRITE) && part->index < t->tail.n_libraries &&
               part->offset < INT64_MAX - length;
    case NW_PART_IMAGE:
        return part->index < t->tail.n_images && is_within(part->offset, length, t->images[part->index].size);
    default:
        return false;
    }
}

/* Lengths are checked before anything is computed with them. */
static bool part_is_valid(const struct nw_tables *t, const struct bounds *b, const struct nw_file_part *part)
{
    return part->start < part->end && is_page(part->start) && is_page(part->end) &&
           is_inside(b, part->start, part->end - part->start) && part->kind <= NW_REGION_GAP &&
           part->kind != NW_REGION_SHARED && !(part->prot & ~RIGHTS) && part->charged <= 1 && source_is_valid(t, part);
}

static bool parts_are_valid(const struct nw_tables *t, const struct bounds *b)
{
    uint64_t end = b->start;

    if (nw_without(NW_DEFENCE_TABLES))
        return true;
    for (size_t i = 0; i < t->tail.n_parts; i++) {
        if (!part_is_valid(t, b, &t->parts[i]) || t->parts[i].start != end)
            return false;
        end = t->parts[i].end;
    }
    return end == b->end;
}

/* ---- the rest ---- */

static bool images_are_valid(const struct nw_tables *t)
{
    for (size_t i = 0; i < t->tail.n_images; i++) {
        const struct nw_file_image *image = &t->images[i];

        if (image->library >= t->tail.n_libraries || !is_page(image->offset) || !is_page(image->size) ||
            image->size == 0 || image->size > NW_IMAGE_SIZE_MAX || image->offset > INT64_MAX - image->size)
            return false;
    }
    return true;
}

static bool libraries_are_valid(const struct nw_tables *t)
{
    for (size_t i = 0; i < t->tail.n_libraries; i++) {
        const struct nw_library *library = &t->libraries[i];

        if (library->kind > NW_LIBRARY_PATH_OF || !memchr(library->path, '\0', sizeof(library->path)) ||
            (library->kind == NW_LIBRARY_PATH_OF) != (library->path[0] == '/'))
            return false;
    }
    return true;
}

static bool flow_is_valid(const struct nw_file_flow *flow, const struct bounds *b)
{
    return is_inside(b, flow->rsp, sizeof(uint64_t)) && flow->fs < ADDRESS_MAX && !(flow->mxcsr & ~MXCSR_VALID) &&
           flow->fcw <= UINT16_MAX && flow->tid > 0 && flow->tid < TID_MAX &&
           is_inside(b, flow->inbox, flow->inbox_size) && !(flow->stack_flags & ~STACK_FLAGS) &&
           !(flow->mask & NW_SIGNAL_UNTOUCHED);
}

/* The first flow has no inbox. */
static bool flows_are_valid(const struct nw_tables *t, const struct bounds *b)
{
    struct nw_file_flow first = t->tail.flows[0];

    if (first.inbox != 0 || first.inbox_size != 0 || first.tid == t->tail.flows[1].tid)
        return false;
    first.inbox = b->start;
    return flow_is_valid(&first, b) && flow_is_valid(&t->tail.flows[1], b);
}

static bool actions_are_valid(const struct nw_tables *t)
{
    static const struct nw_signal_action none;

    for (int signal = 1; signal <= NW_SIGNALS; signal++)
        if (NW_SIGNAL_BIT(signal) & NW_SIGNAL_UNTOUCHED &&
            memcmp(&t->tail.actions[signal - 1], &none, sizeof(none)) != 0)
            return false;
    return true;
}

static bool tables_are_valid(const struct nw_tables *t)
{
    const struct bounds b = {t->tail.range + NW_PAGE_SIZE, nw_memory_areas(t->tail.range + NW_DOMAIN_RANGE)};

    return libraries_are_valid(t) && images_are_valid(t) && parts_are_valid(t, &b) && flows_are_valid(t, &b) &&
           actions_are_valid(t);
}

/* ---- reading ---- */

static uint64_t tables_size(const struct nw_file_tail *tail)
{
    return tail->n_parts * sizeof(struct nw_file_part) + tail->n_images * sizeof(struct nw_file_image) +
           tail->n_libraries * sizeof(struct nw_library);
}

static bool tail_is_valid(const struct nw_file_tail *tail, uint64_t file_size)
{
    return tail->magic == NW_SNAPSHOT_MAGIC && tail->n_parts <= PARTS_MAX && tail->n_images <= NW_KEPT_IMAGES &&
           tail->n_libraries <= NW_KEPT_LIBRARIES && is_page(tail->contents) && tail->contents <= file_size &&
           file_size - tail->contents == tables_size(tail) + sizeof(*tail);
}

static bool is_sealed(int fd)
{
    const int seals = fcntl(fd, F_GET_SEALS);

    return nw_without(NW_DEFENCE_SEALS) || (seals >= 0 && (seals & SEALS) == SEALS);
}

static int read_tail(int fd, struct nw_file_tail *tail)
{
    struct stat st;

    if (!is_sealed(fd) || fstat(fd, &st) < 0 || st.st_size < (off_t)sizeof(*tail))
        return -EBADMSG;
    if (pread(fd, tail, sizeof(*tail), st.st_size - (off_t)sizeof(*tail)) != sizeof(*tail))
        return -EIO;
    return tail_is_valid(tail, (uint64_t)st.st_size) ? 0 : -EBADMSG;
}

/* What is in the file cannot change any more, but is read once all the same. */
static int read_tables(int fd, struct nw_tables *t)
{
    const size_t size = tables_size(&t->tail);
    uint8_t *at = malloc(size + 1);

    t->bytes = at;
    if (!at)
        return -ENOMEM;
    if (pread(fd, at, size, (off_t)t->tail.contents) != (ssize_t)size)
        return -EIO;
    t->parts = (struct nw_file_part *)at;
    t->images = (struct nw_file_image *)(at + t->tail.n_parts * sizeof(*t->parts));
    t->libraries =
        (struct nw_library *)(at + t->tail.n_parts * sizeof(*t->parts) + t->tail.n_images * sizeof(*t->images));
    return tables_are_valid(t) ? 0 : -EBADMSG;
}

int nw__tables_read(int fd, uint64_t range, uint64_t machine, struct nw_tables *tables, const char **why)
{
    int error = read_tail(fd, &tables->tail);

    tables->bytes = NULL;
    *why = "it is damaged";
    if (error)
        return error;
    if (tables->tail.machine != machine || tables->tail.range != range) {
        *why = "it was taken on another machine, or with another version of Nightward or the kernel";
        return -ESTALE;
    }
    tables->size = tables->tail.contents + tables_size(&tables->tail) + sizeof(tables->tail);
    error = read_tables(fd, tables);
    if (error == -ENOMEM)
        *why = "memory is out";
    if (error)
        nw__tables_free(tables);
    return error;
}

void nw__tables_free(struct nw_tables *tables)
{
    free(tables->bytes);
    tables->bytes = NULL;
}
