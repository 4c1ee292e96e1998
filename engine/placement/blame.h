/*
 * Who is blamed when a worker ends by itself: the policy, a function of nothing but what it is told of the functions of
 * which the worker had begun an invocation. One is blamed at a time, so that all others are loaded again at once. When
 * the worker ends again without it, it was somebody else, who is found then. Not responsible for what follows
 * (versions/loads.h).
 */
#ifndef NW_ENGINE_PLACEMENT_BLAME_H
#define NW_ENGINE_PLACEMENT_BLAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nw_suspect {
    unsigned begun;     /* invocations that the worker had begun when it ended; 0: it is no suspect */
    uint64_t completed; /* those that it had ended well or badly before, in this worker */
    unsigned blamed;    /* how often in a row it was blamed already */
};

/* Whether `a` is more likely than `b` to have ended the worker: what ends workers when it is called has completed few
 * invocations, and was there the last time. */
bool nw_blame_more(const struct nw_suspect *a, const struct nw_suspect *b);

#endif
