/*
 * What the kernel does to the pages of a domain's range: reserving it, opening and closing parts of it in place,
 * mapping something else there, emptying what is about to go. The range stays reserved as a whole: what is unmapped
 * becomes inaccessible, so nothing else of the process ever lands in it. Not responsible for what is mapped where
 * (region.h) or for what a domain may have (memory/memory.c).
 *
 * To empty or to change gigabytes takes long. It is done in pieces of some 50 us. Between them callers can let go of
 * locks and obey a kick: the domain then makes its call again, and finds done what was done.
 */
#ifndef NW_WORKER_RANGE_PAGES_H
#define NW_WORKER_RANGE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct nw_gate_thread;

/* Work on so many bytes takes less than a piece and is done at once. */
#define NW_PAGES_FEW (256ul << 10)

/* The same for pages of files that were never written, all of them in memory. */
#define NW_PAGES_CLEAN (4ul << 20)

/* Reads how the machine charges memory. At the start, since no file of the host can be opened later.
 */
void nw_pages_measure(void);

/* Whether the machine charges all memory that may become writable (vm.overcommit_memory is 2). */
bool nw_pages_are_charged(void);

/* Reserves `length` bytes at `*start`, or anywhere if that is 0, of which the last `opened` are readable and writable.
 * -EEXIST: something lies there. `whole`: all of it is one mapping with an anon_vma, as region.h wants it; false where
 * the machine charges all memory that may become writable (pages.c). */
int nw_pages_reserve(size_t length, size_t opened, uint64_t *start, bool *whole);

/* Gives the pages these rights, in this key; -1: there are no keys. With PROT_NONE they get key 0, no domain's. */
int nw_pages_protect(int key, uint64_t start, uint64_t length, int prot);

/* Empties memory of the range's own (region.h) in place and makes it inaccessible. 0 or negative errno. */
int nw_pages_close(bool keyed, uint64_t start, uint64_t length);

/* Puts a new inaccessible mapping in place of whatever is there. 0 or negative errno. */
int nw_pages_reserve_again(uint64_t start, uint64_t length);

/*
 * Puts a new mapping in place, in this key. When it fails and `*gone` is set, the place is reserved and empty: what was
 * there is lost. When `*gone` is not set nothing has changed: the kernel says that it is out of memory or mappings
 * before it begins.
 */
int nw_pages_map(int key, uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset, bool *gone);

/* The first half of that: a mapping that nobody may write, in key 0, no domain's. -ENOMEM: nothing has changed; any
 * other negative errno: the place is reserved and empty. */
int nw_pages_lay(uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset);

/* How large pieces of work are: adapts to how long the last one took. */
struct nw_pages_piece {
    uint64_t begun;
    size_t size;
};

/* How much to do next of `left` bytes; to be called before each piece, zeroed before the first. */
size_t nw_pages_next(struct nw_pages_piece *piece, size_t left);

/* Whether the executor with this thread was kicked and should surface; NULL, of no executor, never was. */
bool nw_pages_kicked(const struct nw_gate_thread *thread);

/* Empties several ranges at once: other threads have to forget their pages only once. 0 or negative errno. */
int nw_pages_empty_all(const struct iovec *ranges, size_t n);

/* Empties the pages, piece by piece; their mappings stay. False: not all, since a kick came. */
bool nw_pages_empty(uint64_t start, uint64_t length, const struct nw_gate_thread *thread);

#endif
