/* Isolation modes, the same words in flags, messages and documentation. */
#ifndef NW_COMMON_HOST_MODE_H
#define NW_COMMON_HOST_MODE_H

#include <stddef.h>
#include <stdint.h>

enum nw_mode {
    NW_MODE_AUTO,    /* mpk where this machine has it, else process */
    NW_MODE_MPK,     /* many domains per worker, each behind a protection key */
    NW_MODE_PROCESS, /* one domain per worker; the process holds it */
    NW_MODE_NONE,    /* many domains per worker and nothing holds them: for measuring only */
    NW_MODE_COUNT
};

/* "auto", "mpk", "process", "none". */
const char *nw_mode_name(enum nw_mode mode);

/* The mode called `name`, or -EINVAL. */
int nw_mode_parse(const char *name);

/* Whether this machine can run mode mpk. 1, or 0 with the reason, for people, in `why`. */
int nw_mode_mpk_usable(char *why, size_t size);

/* The features in a value of XCR0 that one function could leave to the next in mode mpk, because a worker neither
 * clears their state nor keeps functions from using them. If there are any, mode mpk is refused. */
uint64_t nw_mode_uncleared(uint64_t enabled);

#endif
