/*
 * Whether a worker that is lost had begun an invocation: a word of shared memory for each one that a thread of the
 * engine has at a time. The worker claims an invocation just before it begins it; the engine takes back one that it
 * would rather send elsewhere. Whoever comes first has it, so a function never runs the same invocation twice, also
 * when the worker is not dead yet. A worker that writes nonsense here deceives the engine about its own invocations
 * alone.
 */
#ifndef NW_COMMON_SHM_CLAIMS_H
#define NW_COMMON_SHM_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#define NW_CLAIMS 65536 /* by the lower half of the id; invocations beyond these are never taken back */

/* The upper half of an id is never 0, as the words are at first.
 *
 * Worker: it is about to begin an invocation. False: it must not, because the engine has sent it elsewhere. */
bool nw_claim(uint32_t *claims, uint64_t id);

/* Engine, of an invocation that is to run elsewhere or that nobody wants any more: whether an invocation, which it sent
 * to this worker once, was not begun, and never will be from now on. It may ask more than once: the answer stays. */
bool nw_claim_take_back(uint32_t *claims, uint64_t id);

#endif
