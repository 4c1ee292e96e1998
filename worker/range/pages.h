/*
 * What the kernel does to the pages of a domain's range: reserving it, opening and closing parts of it in place,
 * mapping something else there, emptying what is about to go. The range stays reserved as a whole: what is unmapped
 * becomes inaccessible, so nothing else of the process ever lands in it. Not responsible for what is mapped where
 * (region.h) or for what a domain may have (memory/memory.c).
 *
 * To empty or to change gigabytes takes long. It is done in pieces of some 50 us, without a lock, between which a kick
 * is obeyed: the domain then makes its call again, and finds done what was done.
 */
#ifndef NW_WORKER_RANGE_PAGES_H
#define NW_WORKER_RANGE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_gate_thread;

/* Work up to this size takes less than a piece and is done at once. */
#define NW_PAGES_FEW (256ul << 10)

/* What the machine is like, at the start: nw_pages_reserve is called when no file of the host can be opened any more.
 */
void nw_pages_measure(void);

/* Reserves `length` bytes at `*start`, or anywhere if that is 0, of which the last `opened` are readable and writable.
 * -EEXIST: something lies there. `whole`: all of it is one mapping
 * with an anon_vma, as region.h wants it; false where memory that may become writable is charged to the machine. */
int nw_pages_reserve(size_t length, size_t opened, uint64_t *start, bool *whole);

/* Gives the pages these rights, in this key; -1: there are no keys. What nobody may access is in no domain's key. */
int nw_pages_protect(int key, uint64_t start, uint64_t length, int prot);

/* Memory of the range's own: what was there is gone, and the pages are inaccessible. */
int nw_pages_close(bool keyed, uint64_t start, uint64_t length);

/* Puts an inaccessible mapping in place of whatever is there; what fails to be mapped ends the process. */
int nw_pages_reserve_again(uint64_t start, uint64_t length);

/*
 * Puts a new mapping in place, in this key. When it fails nothing is left there, not even a hole, and `*gone`
 * is set; but nothing has changed when the kernel has no memory or no more mappings, which it says before it begins.
 */
int nw_pages_map(int key, uint64_t start, uint64_t length, int prot, int flags, int fd, uint64_t offset, bool *gone);

/* The next piece of work that can be cut anywhere. */
struct nw_pages_piece {
    uint64_t begun;
    size_t size;
};

/* How much to do next of `left` bytes; to be called before each piece, zeroed before the first. */
size_t nw_pages_next(struct nw_pages_piece *piece, size_t left);

/* Whether somebody waits for the executor with this thread; NULL is nobody's. */
bool nw_pages_kicked(const struct nw_gate_thread *thread);

/* Takes away the contents, piece by piece. False: not all, since a kick came. */
bool nw_pages_empty(uint64_t start, uint64_t length, const struct nw_gate_thread *thread);

#endif
