/*
 * What a domain has of its memory limit, and when more was refused: whoever wrote the function hears of it in words,
 * since few functions look at what malloc returns.
 */
#ifndef NW_WORKER_MEMORY_SHORTAGE_H
#define NW_WORKER_MEMORY_SHORTAGE_H

#include "worker/base/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_memory;

/* Part of a domain's memory; guarded by its lock. */
struct nw_shortage {
    uint64_t asked, held; /* of what was refused last */
    uint64_t at;          /* when; 0: nothing was */
    uint64_t said_at;
    bool said;
};

/* Bytes that count against the limit: data, and code that it brought along. */
uint64_t nw_memory_used(const struct nw_memory *memory);

/* With the lock held: `asked` bytes more were refused; something changed, and may be the most so far. */
void nw__shortage_note(struct nw_memory *memory, uint64_t asked);
void nw__memory_note_peak(struct nw_memory *memory);

/* Without it: a line in the log about what was refused, once a second at most. */
void nw_shortage_say(struct nw_memory *memory);

/* Any lock: adds to the reason why the domain ends that it was short of memory shortly before; for one whose function
 * is up, no longer ago than this. */
void nw_shortage_explain(const struct nw_memory *memory, bool is_up, uint64_t recent_ns, char reason[NW_REASON_MAX]);

#endif
