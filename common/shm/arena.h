/*
 * The owner's allocator for a payload arena. The bytes lie in shared memory; every bit of bookkeeping is private to
 * the owner, so that a hostile peer can spoil payloads but never the allocator.
 */
#ifndef NW_COMMON_SHM_ARENA_H
#define NW_COMMON_SHM_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct nw_arena;

/* Manages `size` bytes (a multiple of 4096) at `base`. NULL with errno set on failure. One thread at a time. */
struct nw_arena *nw_arena_new(void *base, size_t size);
void nw_arena_free(struct nw_arena *arena);

/* A block of at least `length` bytes (1 or more), aligned to 64. 0 and *offset; -ENOMEM when nothing fits now;
 * -E2BIG when it never will. */
int nw_arena_alloc(struct nw_arena *arena, size_t length, uint64_t *offset);

/* Gives a block back. 0; -EINVAL when `offset` is not the start of a live block (a hostile release). */
int nw_arena_release(struct nw_arena *arena, uint64_t offset);

/* Gives back all of a block but its first `length` bytes (1 or more). 0; -EINVAL as above. */
int nw_arena_shrink(struct nw_arena *arena, uint64_t offset, size_t length);

/* Usable bytes of the live block at `offset`, or 0 when there is none. */
size_t nw_arena_block_size(const struct nw_arena *arena, uint64_t offset);

/* The address of a block that nw_arena_alloc returned. */
void *nw_arena_at(const struct nw_arena *arena, uint64_t offset);

/* Bytes in live blocks. */
size_t nw_arena_used(const struct nw_arena *arena);

#endif
