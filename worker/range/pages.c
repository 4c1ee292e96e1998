/* See pages.h. */
#include "worker/range/pages.h"
#include "common/base/atomic.h"
#include "common/base/log.h"
#include "protect/gate/gate.h"
#include "protect/gate/without.h"
#include "worker/base/now.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESERVED          (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define PIECE_LEAST       (256ul << 10)
#define PIECE_MOST        (1ul << 30)
#define PIECE_NS          50000
#define NEVER_OVERCOMMITS 2         /* vm.overcommit_memory */
#define THIS_PROCESS      (-10000L) /* PIDFD_SELF_THREAD_GROUP, which the headers of Debian 12 do not have */

/* The machine charges all memory that may become writable, despite MAP_NORESERVE, and memory that is closed in place
 * would stay charged. */
static bool commits;

void nw_pages_measure(void)
{
    FILE *from = fopen("/proc/sys/vm/overcommit_memory", "re");
    int how = 0;

    commits = from && fscanf(from, "%d", &how) == 1 && how == NEVER_OVERCOMMITS;
    if (from)
        fclose(from);
}

bool nw_pages_are_charged(void)
{
    return commits;
}

/* Writing a page gives its mapping an anon_vma, which the parts of it keep when one of them is closed. Where all memory
 * that may become writable is charged, only what is opened ever is. */
static int close_but(void *last, void *range, size_t length)
{
    *(volatile char *)last = 0;
    return mprotect(range, length, PROT_NONE) < 0 ? -errno : 0;
}

/* Where the process may not have so much data, not even for that moment (RLIMIT_DATA): closed and opened again, what
 * was written is joined with the rest, which then has the anon_vma, too. */
static int spread_anon_vma(void *last, size_t opened)
{
    const int error = close_but(last, last, opened);

    return error ? error : mprotect(last, opened, PROT_READ | PROT_WRITE) < 0 ? -errno : 0;
}

int nw_pages_reserve(size_t length, size_t opened, uint64_t *start, bool *whole)
{
    const int flags = RESERVED | (*start ? MAP_FIXED_NOREPLACE : 0);
    void *const at = (void *)*start;
    void *range = commits ? MAP_FAILED : mmap(at, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    const bool open = range != MAP_FAILED;
    void *last;

    if (!open && (commits || errno == ENOMEM))
        range = mmap(at, length, PROT_NONE, flags, -1, 0);
    *start = range == MAP_FAILED ? 0 : (uint64_t)range;
    if (range == MAP_FAILED)
        return -errno;
    *whole = !commits;
    last = range + length - opened;
    if (open)
        return close_but(last, range, length - opened);
    if (mprotect(last, opened, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    return *whole ? spread_anon_vma(last, opened) : 0;
}

int nw_pages_protect(int key, uint64_t start, uint64_t length, int prot)
{
    return pkey_mprotect((void *)start, length, prot, key >= 0 && prot == PROT_NONE ? 0 : key) < 0 ? -errno : 0;
}

/* The rights go first: until they are gone, other threads of the domain may write and so fill emptied pages again. */
int nw_pages_close(bool keyed, uint64_t start, uint64_t length)
{
    if (pkey_mprotect((void *)start, length, PROT_NONE, keyed ? 0 : -1) < 0)
        return -errno;
    return madvise((void *)start, length, MADV_DONTNEED) < 0 ? -errno : 0;
}

int nw_pages_reserve_again(uint64_t start, uint64_t length)
{
    return mmap((void *)start, length, PROT_NONE, RESERVED | MAP_FIXED, -1, 0) == MAP_FAILED ? -errno : 0;
}

/* After an error that left nothing of what was there. */
static void take_back(uint64_t start, uint64_t length)
{
    if (nw_pages_reserve_again(start, length) < 0)
        nw_die_system("cannot take back a mapping that failed: %s", strerror(errno));
}

int nw_pages_lay(uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset)
{
    void *at = mmap((void *)start, length, prot & ~PROT_WRITE, flags | MAP_FIXED, fd, (off_t)offset);
    const int error = at == MAP_FAILED ? -errno : 0;

    if (error && error != -ENOMEM)
        take_back(start, length);
    return error;
}

int nw_pages_map(int key, uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset, bool *gone)
{
    int error = nw_pages_lay(start, length, prot, flags, fd, offset);

    *gone = error && error != -ENOMEM;
    if (error)
        return error;
    error = nw_pages_protect(key, start, length, prot);
    *gone = error;
    if (error)
        take_back(start, length);
    return error;
}

size_t nw_pages_next(struct nw_pages_piece *piece, size_t left)
{
    uint64_t now = nw_now(), took = now - piece->begun;

    if (nw_without(NW_DEFENCE_PIECES))
        return left;
    if (!piece->size)
        piece->size = PIECE_LEAST;
    else if (took < PIECE_NS / 4 && piece->size < PIECE_MOST)
        piece->size *= 2;
    else if (took > PIECE_NS && piece->size > PIECE_LEAST)
        piece->size /= 2;
    piece->begun = now;
    return piece->size < left ? piece->size : left;
}

bool nw_pages_kicked(const struct nw_gate_thread *thread)
{
    return thread && !nw_without(NW_DEFENCE_PIECES) &&
           nw_load_relaxed(&thread->pending); /* stored by the handler of the kick, on this thread */
}

/* Older kernels do this to other processes only, or cannot be told that this one is meant. */
int nw_pages_empty_all(const struct iovec *ranges, size_t n)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++)
        bytes += ranges[i].iov_len;
    if (syscall(SYS_process_madvise, THIS_PROCESS, ranges, n, MADV_DONTNEED, 0) == (long)bytes)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (madvise(ranges[i].iov_base, ranges[i].iov_len, MADV_DONTNEED) < 0)
            return -errno;
    return 0;
}

bool nw_pages_empty(uint64_t start, uint64_t length, const struct nw_gate_thread *thread)
{
    struct nw_pages_piece piece = {0};

    for (size_t n; length > 0; start += n, length -= n) {
        if (nw_pages_kicked(thread))
            return false;
        n = nw_pages_next(&piece, length);
        madvise((void *)start, n, MADV_DONTNEED); /* if it fails, the contents go when the mapping does */
    }
    return true;
}
