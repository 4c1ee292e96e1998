/*
 * The memory system calls of a domain, carried out inside its own range, in its key and within its limits. What becomes
 * of pages is in pages.c, of code in code.c; mremap is in remap.c.
 *
 * No lock is held for longer than a piece of work takes (pages.h). Where a call is cut short by a kick, what it has
 * done so far is done: the same call, made again, goes on.
 */
#include "worker/memory/memory.h"
#include "protect/gate/without.h"
#include "worker/account/share.h"
#include "worker/domain/function.h"
#include "worker/domain/grants.h"
#include "worker/files/disk.h"
#include "worker/files/files.h"
#include "worker/files/opened.h"
#include "worker/memory/calls.h"
#include "worker/memory/file_maps.h"
#include "worker/memory/pages.h"
#include "worker/memory/shortage.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

bool nw_memory_fits(const struct nw_domain *d, uint64_t charged)
{
    return nw_without(NW_DEFENCE_MEMORY) || charged + d->code.bytes <= d->function->memory ||
           charged <= d->regions.charged;
}

int nw_memory_admit(struct nw_domain *d, const struct nw_regions_cost *cost)
{
    uint64_t held = nw_share_used(&d->account, NW_RESOURCE_MAPPINGS), needed = cost->count + NW_MONITOR_MAPPINGS;

    if (!nw_memory_fits(d, cost->charged)) {
        nw_shortage_note(d, cost->charged - d->regions.charged);
        return -ENOMEM;
    }
    return needed > held ? nw_share_take(&d->account, NW_RESOURCE_MAPPINGS, needed - held) : 0;
}

void nw_memory_settle(struct nw_domain *d)
{
    uint64_t held = nw_share_used(&d->account, NW_RESOURCE_MAPPINGS), needed = d->regions.count + NW_MONITOR_MAPPINGS;

    if (held > needed)
        nw_share_give(&d->account, NW_RESOURCE_MAPPINGS, held - needed);
    nw_memory_note_peak(d);
}

int nw_memory_place(struct nw_domain *d, uint64_t hint, uint64_t length, bool fixed, uint64_t *start)
{
    if (!fixed)
        return nw_regions_find_gap(&d->regions, length, NW_PAGE_SIZE, hint & -NW_PAGE_SIZE, NW_REGION_TOP_DOWN, start);
    *start = hint;
    return 0;
}

/* Opens memory of the range's own; what was there is gone. */
static int open_own(struct nw_domain *d, uint64_t start, uint64_t length, int prot)
{
    const struct nw_region *there = nw_regions_at(&d->regions, start);
    int error = 0;

    if (there->kind != NW_REGION_GAP || there->end - start < length)
        error = nw_pages_close(start, length);
    return error ? error : nw_pages_protect(d, start, length, prot);
}

static int open_anonymous(struct nw_domain *d, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind)
{
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_add(&d->regions, start, length, prot, kind, NULL, &cost);

    if (!error)
        error = nw_memory_admit(d, &cost);
    if (!error)
        error = open_own(d, start, length, prot);
    if (!error)
        error = nw_regions_add(&d->regions, start, length, prot, kind, NULL);
    nw_memory_settle(d);
    return error;
}

int nw_memory_put(struct nw_domain *d, uint64_t start, uint64_t length, int prot, enum nw_region_kind kind, int fd,
                  uint64_t offset, const struct nw_region_origin *origin)
{
    int flags = kind == NW_REGION_SHARED ? MAP_SHARED : MAP_PRIVATE | MAP_NORESERVE, error;
    struct nw_regions_cost cost;
    bool gone = false;

    error = nw_regions_cost_of_add(&d->regions, start, length, prot, kind, origin, &cost);
    if (!error)
        error = nw_memory_admit(d, &cost);
    if (!error)
        error = nw_pages_map(d, start, length, prot, flags | (fd < 0 ? MAP_ANONYMOUS : 0), fd, offset, &gone);
    if (!error)
        error = nw_regions_add(&d->regions, start, length, prot, kind, origin);
    else if (gone)
        nw_regions_remove(&d->regions, start, length, false);
    nw_memory_settle(d);
    return error;
}

long nw_memory_map_data(struct nw_domain *d, uint64_t hint, uint64_t length, int prot, int flags, int fd,
                        uint64_t offset)
{
    enum nw_region_kind kind = flags & MAP_SHARED && fd >= 0 ? NW_REGION_SHARED
                               : fd >= 0                     ? NW_REGION_FILE
                               : flags & MAP_STACK           ? NW_REGION_STACK
                                                             : NW_REGION_ANON;
    struct nw_region_origin origin = nw_regions_new_origin(&d->regions, fd >= 0);
    uint64_t start;
    int error = nw_memory_place(d, hint, length, flags & MAP_FIXED, &start);

    if (!error && fd < 0 && nw_regions_is_own(&d->regions, start, length))
        error = open_anonymous(d, start, length, prot, kind);
    else if (!error)
        error = nw_memory_put(d, start, length, prot, kind, fd, offset, &origin);
    return error ? error : (long)start;
}

/* Sockets and the like refuse it, some of them too late: see nw_pages_map. */
static bool is_mappable(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* A file that the domain may write, through memory as by a call. */
static bool is_shared(const struct nw_domain_fd *file, int flags)
{
    return flags & MAP_SHARED && file->opened && file->granted->writable &&
           (fcntl(file->fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

/* Memory is written without a call: the holes of the file count from now on. */
static int count_whole(struct nw_domain *d, const struct nw_domain_fd *file)
{
    int error = nw_disk_write(d->function, file->opened->disk, file->fd, 0, false);

    if (!error)
        nw_disk_wrote(d->function, file->opened->disk, file->fd);
    return error;
}

/* `file` is NULL for memory that is none's. */
static long map_locked(struct nw_domain *d, const uint64_t args[6], uint64_t length, int flags,
                       const struct nw_domain_fd *file)
{
    struct nw_disk_file *disk = file && file->opened ? file->opened->disk : NULL;
    long result;

    pthread_mutex_lock(&d->memory_lock);
    result = disk ? nw_file_maps_reserve(&d->file_maps) : 0;
    if (!result)
        result = nw_memory_map_data(d, args[0], length, (int)args[2], flags, file ? file->fd : -1, args[5]);
    if (result >= 0 && disk)
        nw_file_maps_add(d, disk);
    if (flags & MAP_FIXED)
        nw_file_maps_sweep(d);
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

/* Large contents that a mapping is about to replace go first, piece by piece. False: not all, since a kick came. */
static bool clear_place(const struct nw_executor *ex, const struct nw_domain *d, uint64_t start, uint64_t length,
                        int flags)
{
    if (!(flags & MAP_FIXED) || length <= NW_PAGES_FEW || start < d->regions.start)
        return true;
    return nw_pages_empty(start, length, ex);
}

static long map_open_file(struct nw_executor *ex, struct nw_domain *d, const uint64_t args[6], uint64_t length,
                          const struct nw_domain_fd *file)
{
    int prot = (int)args[2], flags = (int)args[3];
    bool shared = is_shared(file, flags);
    int error;

    if (!is_mappable(file->fd))
        return -ENODEV;
    if (file->granted && flags & MAP_SHARED && prot & PROT_WRITE && !shared)
        return -EACCES;
    if (!clear_place(ex, d, args[0], length, flags))
        return -NW_CALL_CUT;
    if (shared && (error = count_whole(d, file)) < 0)
        return error;
    if (prot & PROT_EXEC)
        return nw_memory_map_code(ex, d, args[0], length, prot, flags & MAP_FIXED, file, args[5]);
    return map_locked(d, args, length, shared ? flags : flags & ~MAP_SHARED, file);
}

/*
 * Shared mappings become private, a domain has no other process to share memory with, but those of a file of a granted
 * directory that it has open to be read and written: who maps it sees what others write. It is in the domain's key like
 * the rest.
 */
long nw_memory_map(struct nw_executor *ex, struct nw_domain *d, const uint64_t args[6])
{
    uint64_t length = nw_page_up(args[1]);
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
        return clear_place(ex, d, args[0], length, flags) ? map_locked(d, args, length, flags, NULL) : -NW_CALL_CUT;
    file.fd = nw_fd_use_file(d, args[4], &file);
    if (file.fd < 0)
        return file.fd;
    result = map_open_file(ex, d, args, length, &file);
    nw_fd_done(d, args[4]);
    return result;
}

long nw_memory_unmap_now(struct nw_domain *d, uint64_t start, uint64_t length)
{
    bool own = nw_regions_is_own(&d->regions, start, length);
    struct nw_regions_cost cost;
    int error = nw_regions_cost_of_remove(&d->regions, start, length, own, &cost);

    if (!error)
        error = nw_memory_admit(d, &cost);
    if (!error)
        error = own ? nw_pages_close(start, length) : nw_pages_reserve_again(start, length);
    if (!error)
        error = nw_regions_remove(&d->regions, start, length, own);
    nw_file_maps_sweep(d);
    nw_memory_settle(d);
    return error;
}

/* The place stays taken until it is empty: what another thread maps meanwhile is not what this call is about. */
long nw_memory_unmap(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length)
{
    struct nw_regions_cost cost;
    long result;

    length = nw_page_up(length);
    pthread_mutex_lock(&d->memory_lock);
    result = nw_regions_cost_of_remove(&d->regions, start, length, false, &cost);
    if (!result && length <= NW_PAGES_FEW)
        result = nw_memory_unmap_now(d, start, length);
    pthread_mutex_unlock(&d->memory_lock);
    if (result || length <= NW_PAGES_FEW)
        return result;
    if (!nw_pages_empty(start, length, ex))
        return -NW_CALL_CUT;
    pthread_mutex_lock(&d->memory_lock);
    result = nw_memory_unmap_now(d, start, length);
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

static long protect_now(struct nw_domain *d, uint64_t start, uint64_t length, int prot)
{
    struct nw_regions_cost cost;
    long result = nw_regions_cost_of_prot(&d->regions, start, length, prot, &cost);

    if (!result)
        result = nw_memory_admit(d, &cost);
    if (!result)
        result = nw_pages_protect(d, start, length, prot);
    if (!result)
        result = nw_regions_set_prot(&d->regions, start, length, prot);
    nw_memory_settle(d);
    return result;
}

/* The whole change is looked at first, so that one that is refused changes nothing. */
long nw_memory_protect(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length,
                       uint64_t prot)
{
    struct nw_pages_piece piece = {0};
    struct nw_regions_cost cost;
    uint64_t end = start + nw_page_up(length);
    long result;

    if (length == 0)
        return 0;
    if (nw_page_up(length) == 0)
        return -EINVAL;
    pthread_mutex_lock(&d->memory_lock);
    result = nw_regions_cost_of_prot(&d->regions, start, end - start, (int)prot, &cost);
    if (!result && !nw_memory_fits(d, cost.charged)) {
        nw_shortage_note(d, cost.charged - d->regions.charged);
        result = -ENOMEM;
    }
    for (size_t n; !result && start < end; start += n) {
        n = nw_pages_next(&piece, end - start);
        result = protect_now(d, start, n, (int)prot);
        if (result || n == end - start)
            break;
        pthread_mutex_unlock(&d->memory_lock);
        if (nw_pages_kicked(ex))
            return -NW_CALL_CUT;
        pthread_mutex_lock(&d->memory_lock);
    }
    pthread_mutex_unlock(&d->memory_lock);
    return result;
}

static bool is_mapped(struct nw_domain *d, uint64_t start, uint64_t length)
{
    bool mapped;

    pthread_mutex_lock(&d->memory_lock);
    mapped = nw_regions_covers(&d->regions, start, length, PROT_NONE);
    pthread_mutex_unlock(&d->memory_lock);
    return mapped;
}

/* Of much memory that is free to be taken away all is taken away at once: emptying it again is quick. */
long nw_memory_advise(const struct nw_executor *ex, struct nw_domain *d, uint64_t start, uint64_t length,
                      uint64_t advice)
{
    length = nw_page_up(length);
    if (advice != MADV_DONTNEED && advice != MADV_FREE)
        return 0; /* the other hints change nothing that a program could see */
    if (start % NW_PAGE_SIZE || !is_mapped(d, start, length))
        return -ENOMEM;
    if (length > NW_PAGES_FEW)
        return nw_pages_empty(start, length, ex) ? 0 : -NW_CALL_CUT;
    return length && madvise((void *)start, length, (int)advice) < 0 ? -errno : 0;
}
