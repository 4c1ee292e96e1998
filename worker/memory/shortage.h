/*
 * How much of its memory limit a domain uses, and when more was refused. The log and the reason of a crash then say so:
 * few functions check what malloc returns, and they crash without naming the cause.
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
    uint64_t asked, held; /* bytes that were refused last, and that were in use then */
    uint64_t at;          /* when they were; 0: nothing was refused */
    uint64_t said_at;
    bool said;
};

/* Bytes that count against the limit: data, and code that it brought along. */
uint64_t nw_memory_used(const struct nw_memory *memory);

/* Lock held. shortage_note: `asked` more bytes were refused. note_peak: what is in use may be the most so far. */
void nw__shortage_note(struct nw_memory *memory, uint64_t asked);
void nw__memory_note_peak(struct nw_memory *memory);

/* Lock NOT held. Logs what was refused last, once a second at most. */
void nw_shortage_say(struct nw_memory *memory);

/* With or without the lock. Adds to the reason why the domain ends that it was short of memory before; if its function
 * is up, only if that was at most `recent_ns` ago. */
void nw_shortage_explain(const struct nw_memory *memory, bool is_up, uint64_t recent_ns, char reason[NW_REASON_MAX]);

#endif
