/*
 * Whose code on a stack made a system call, so that a message can name a place that the reader knows rather than one in
 * libc. A guess, for people: the stack is the function's own, and nothing else may rely on what it says.
 */
#ifndef NW_WORKER_POLICY_FRAME_H
#define NW_WORKER_POLICY_FRAME_H

#include <stdint.h>

struct nw_slot;

/* Where the innermost frame of the function's own file goes on, or of a library that it brought along; else the
 * instruction that made the call. */
uint64_t nw__frame_find(struct nw_slot *slot);

#endif
