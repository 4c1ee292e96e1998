/*
 * What a domain has of its memory limit, and when more was refused: whoever wrote the function hears of it in words,
 * since few functions look at what malloc returns.
 */
#ifndef NW_WORKER_MEMORY_SHORTAGE_H
#define NW_WORKER_MEMORY_SHORTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_domain;

/* Part of a domain; guarded by its memory_lock. */
struct nw_shortage {
    uint64_t asked, held; /* of what was refused last */
    uint64_t at;          /* when; 0: nothing was */
    uint64_t said_at;
    bool said;
};

/* Bytes that count against the limit: data, and code that it brought along. */
uint64_t nw_memory_used(const struct nw_domain *d);

/* With memory_lock held: `asked` bytes more were refused; something changed, and may be the most so far. */
void nw_shortage_note(struct nw_domain *d, uint64_t asked);
void nw_memory_note_peak(struct nw_domain *d);

/* Without it: a line in the log about what was refused, once a second at most. */
void nw_shortage_say(struct nw_domain *d);

/* Any lock: adds to the reason why the domain ends that it was short of memory shortly before. */
void nw_shortage_explain(struct nw_domain *d);

#endif
