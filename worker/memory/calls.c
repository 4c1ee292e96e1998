/*
 * The memory system calls of a domain, carried out inside its own range, in its key and within its limits. mremap is in
 * remap.c.
 *
 * No lock is held for longer than a piece of work takes (pages.h). Where a call is cut short by a kick, what it has
 * done so far is done: the same call, made again, goes on.
 */
#include "worker/memory/calls.h"
#include "protect/gate/gate.h"
#include "protect/gate/without.h"
#include "worker/account/share.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include "worker/memory/file_maps.h"
#include "worker/memory/memory.h"
#include "worker/memory/shortage.h"
#include "worker/range/pages.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DATA_MOST (32ul << 10) /* of a library, that are written before anybody asks for them */

/* Sockets and the like cannot be mapped, but the kernel may remove the old mapping before it says so. */
static bool is_mappable(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && S_ISREG(st->st_mode);
}

/* Whether the mapping stays shared: only if the domain may write the file by system calls anyway. */
static bool is_shared(const struct nw_domain_fd *file, int flags)
{
    return flags & MAP_SHARED && file->opened && file->granted->writable &&
           (fcntl(file->fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

/* Writes through memory are no calls that could be counted, so the whole file counts from now on, holes included. */
static int count_whole(struct nw_memory *memory, const struct nw_domain_fd *file)
{
    int error = nw_disk_write(memory->disk, file->opened->disk, file->fd, 0, false);

    if (!error)
        nw_disk_wrote(memory->disk, file->opened->disk, file->fd);
    return error;
}

/* `file` is NULL for anonymous memory. */
static long map_locked(struct nw_memory *memory, const uint64_t args[6], uint64_t length, int flags,
                       const struct nw_domain_fd *file)
{
    struct nw_disk_file *disk = file && file->opened ? file->opened->disk : NULL;
    long result;

    pthread_mutex_lock(&memory->lock);
    result = disk ? nw__file_maps_reserve(&memory->file_maps) : 0;
    if (!result)
        result = nw__memory_map_data(memory, args[0], length, (int)args[2], flags, file, args[5]);
    if (result >= 0 && disk)
        nw__file_maps_add(memory, disk);
    if (flags & MAP_FIXED)
        nw__file_maps_sweep(memory);
    pthread_mutex_unlock(&memory->lock);
    return result;
}

/* Whether the kernel gives back what is there in no time: pages of files that were never written stay in its cache. */
static bool is_brief(struct nw_memory *memory, uint64_t start, uint64_t length)
{
    bool brief;

    if (length <= NW_PAGES_FEW || length > NW_PAGES_CLEAN)
        return length <= NW_PAGES_FEW;
    pthread_mutex_lock(&memory->lock);
    brief = !nw_regions_is_charged(&memory->regions, start, length);
    pthread_mutex_unlock(&memory->lock);
    return brief;
}

/* Large contents that a mapping is about to replace go first, piece by piece. False: not all, since a kick came. */
static bool clear_place(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                        int flags)
{
    if (!(flags & MAP_FIXED) || start < memory->regions.start ||
        start + length > memory->regions.end) /* will be refused: the monitor's own pages lie there */
        return true;
    return is_brief(memory, start, length) || nw_pages_empty(start, length, thread);
}

/* Small data that a private mapping of a file makes writable are a library's, which its loader is about to relocate:
 * one call of the kernel for all pages takes less than a fault for each. Where it fails there will be faults. */
static void expect_writes(uint64_t start, uint64_t length, int prot, bool shared)
{
    if (prot & PROT_WRITE && !shared && length <= DATA_MOST)
        madvise((void *)start, length, MADV_POPULATE_WRITE);
}

static long map_open_file(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6],
                          uint64_t length, const struct nw_domain_fd *file, struct nw_code_call *code)
{
    int prot = (int)args[2], flags = (int)args[3];
    bool shared = is_shared(file, flags);
    struct stat st;
    long result;
    int error;

    if (!is_mappable(file->fd, &st))
        return -ENODEV;
    if (file->granted && flags & MAP_SHARED && prot & PROT_WRITE && !shared)
        return -EACCES;
    if (!clear_place(thread, memory, args[0], length, flags))
        return -NW_CALL_CUT;
    if (shared && (error = count_whole(memory, file)) < 0)
        return error;
    if (prot & PROT_EXEC)
        return nw__memory_map_code(memory, args[0], length, prot, flags & MAP_FIXED, file, &st, args[5], code);
    result = map_locked(memory, args, length, shared ? flags : flags & ~MAP_SHARED, file);
    if (result >= 0)
        expect_writes((uint64_t)result, length, prot, shared);
    return result;
}

/* A place outside of the range is refused only if it is fixed: otherwise it is a hint, which may be ignored. */
int nw_memory_may_map(const struct nw_memory *memory, const uint64_t args[6])
{
    uint64_t length = nw_page_up(args[1]);
    int prot = (int)args[2], flags = (int)args[3];

    if (args[1] == 0 || length == 0 || args[5] % NW_PAGE_SIZE)
        return -EINVAL;
    if (flags & MAP_FIXED && (args[0] % NW_PAGE_SIZE || !nw_memory_holds(memory, args[0], length)))
        return -EPERM;
    if (!nw_without(NW_DEFENCE_WX) && prot & PROT_EXEC && (prot & PROT_WRITE || flags & MAP_ANONYMOUS))
        return -EACCES;
    return 0;
}

/*
 * Shared mappings become private, since a domain has no other process to share memory with. Only a file of a granted
 * directory that it has open to read and write stays shared, so that it and others see what either writes there.
 */
long nw_memory_map(const struct nw_gate_thread *thread, struct nw_memory *memory, const uint64_t args[6],
                   const struct nw_domain_fd *file, struct nw_code_call *code)
{
    int error = nw_memory_may_map(memory, args);
    uint64_t length = nw_page_up(args[1]);
    int flags = (int)args[3];

    if (error)
        return error;
    if (file)
        return map_open_file(thread, memory, args, length, file, code);
    return clear_place(thread, memory, args[0], length, flags) ? map_locked(memory, args, length, flags, NULL)
                                                               : -NW_CALL_CUT;
}

/* The place is emptied first and unmapped last, so that no other thread is given it meanwhile and then loses it. */
long nw_memory_unmap(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length)
{
    struct nw_regions_cost cost;
    bool brief;
    long result;

    length = nw_page_up(length);
    pthread_mutex_lock(&memory->lock);
    result = nw_regions_cost_of_remove(&memory->regions, start, length, false, &cost);
    brief = length <= NW_PAGES_FEW || (!result && nw_regions_is_untouched(&memory->regions, start, length));
    if (!result && brief)
        result = nw__memory_unmap_now(memory, start, length);
    pthread_mutex_unlock(&memory->lock);
    if (result || brief)
        return result;
    if (!nw_pages_empty(start, length, thread))
        return -NW_CALL_CUT;
    pthread_mutex_lock(&memory->lock);
    result = nw__memory_unmap_now(memory, start, length);
    pthread_mutex_unlock(&memory->lock);
    return result;
}

/* How many bytes from `start` on, `length` at most, get the same key: that of public memory or not. Lock held. */
static uint64_t one_key(const struct nw_memory *memory, uint64_t start, uint64_t length, int prot, bool *public)
{
    const struct nw_region *r = nw_regions_find(&memory->regions, start);
    uint64_t end = start;

    *public = r && nw_region_is_public(r, prot);
    while (r && end < start + length && nw_region_is_public(r, prot) == *public) {
        end = r->end;
        r = nw_regions_find(&memory->regions, end);
    }
    return end > start && end - start < length ? end - start : length;
}

/* If the kernel fails part way, the list still gets the new rights for all of it: pages that may be accessible in the
 * domain's key are found there when it gets another one. */
static long protect_now(struct nw_memory *memory, uint64_t start, uint64_t length, int prot, bool public)
{
    struct nw_regions_cost cost;
    long result = nw_regions_cost_of_prot(&memory->regions, start, length, prot, &cost);

    if (!result)
        result = nw_memory_admit(memory, &cost);
    if (!result) {
        result = nw_pages_protect(nw_memory_key(memory, public), start, length, prot);
        if (!result || prot != PROT_NONE)
            nw_regions_set_prot(&memory->regions, start, length, prot);
    }
    nw_memory_settle(memory);
    return result;
}

/* The whole change is looked at first, so that one that is refused changes nothing. */
long nw_memory_protect(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                       uint64_t prot)
{
    struct nw_pages_piece piece = {0};
    struct nw_regions_cost cost;
    uint64_t end = start + nw_page_up(length);
    bool public;
    long result;

    if (length == 0)
        return 0;
    if (nw_page_up(length) == 0)
        return -EINVAL;
    pthread_mutex_lock(&memory->lock);
    result = nw_regions_cost_of_prot(&memory->regions, start, end - start, (int)prot, &cost);
    if (!result && !nw__memory_fits(memory, cost.charged)) {
        nw__shortage_note(memory, cost.charged - memory->regions.charged);
        result = -ENOMEM;
    }
    for (size_t n; !result && start < end; start += n) {
        n = one_key(memory, start, nw_pages_next(&piece, end - start), (int)prot, &public);
        result = protect_now(memory, start, n, (int)prot, public);
        if (result || n == end - start)
            break;
        pthread_mutex_unlock(&memory->lock);
        if (nw_pages_kicked(thread))
            return -NW_CALL_CUT;
        pthread_mutex_lock(&memory->lock);
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

static bool is_mapped(struct nw_memory *memory, uint64_t start, uint64_t length)
{
    bool mapped;

    pthread_mutex_lock(&memory->lock);
    mapped = nw_regions_covers(&memory->regions, start, length, PROT_NONE);
    pthread_mutex_unlock(&memory->lock);
    return mapped;
}

static bool is_copied(const struct nw_memory *memory, const struct nw_region *r)
{
    return (r->kind == NW_REGION_ANON || r->kind == NW_REGION_STACK) && r->origin.id >= memory->copied.first &&
           r->origin.id <= memory->copied.last;
}

static const struct nw_region *first_copied(const struct nw_memory *memory, uint64_t start, uint64_t end)
{
    for (const struct nw_region *r; start < end; start = r->end) {
        r = nw_regions_at(&memory->regions, start);
        if (!r || is_copied(memory, r))
            return r;
    }
    return NULL;
}

/* Memory that comes from a snapshot is a mapping of a file: emptied, it would have the file's contents again, where a
 * program expects zeros. So new anonymous memory takes its place. */
static long renew_copied(struct nw_memory *memory, uint64_t start, uint64_t end)
{
    const struct nw_region *r;
    long result = 0;

    pthread_mutex_lock(&memory->lock);
    while (!result && (r = first_copied(memory, start, end))) {
        const struct nw_region_origin origin = nw_regions_new_origin(&memory->regions, false, false);
        const enum nw_region_kind kind = (enum nw_region_kind)r->kind;
        const int prot = r->prot;
        const uint64_t from = r->start > start ? r->start : start, to = r->end < end ? r->end : end;

        result = nw__memory_put(memory, from, to - from, prot, kind, -1, 0, &origin);
        start = to;
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

/* MADV_FREE of much memory is done as MADV_DONTNEED, which can be cut short: what it has done is quick to do again.
 */
long nw_memory_advise(const struct nw_gate_thread *thread, struct nw_memory *memory, uint64_t start, uint64_t length,
                      uint64_t advice)
{
    length = nw_page_up(length);
    if (advice != MADV_DONTNEED && advice != MADV_FREE)
        return 0; /* the other hints change nothing that a program could see */
    if (start % NW_PAGE_SIZE || !is_mapped(memory, start, length))
        return -ENOMEM;
    if (memory->copied.last && advice == MADV_FREE)
        return 0; /* MADV_FREE may take effect later, or never */
    if (length > NW_PAGES_FEW && !nw_pages_empty(start, length, thread))
        return -NW_CALL_CUT;
    if (length <= NW_PAGES_FEW && length && madvise((void *)start, length, (int)advice) < 0)
        return -errno;
    return memory->copied.last ? renew_copied(memory, start, start + length) : 0;
}
