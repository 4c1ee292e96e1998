/* What a worker process may do, set from inside it just before its program starts. */
#ifndef NW_LAUNCHER_CONFINE_H
#define NW_LAUNCHER_CONFINE_H

#include "common/mode.h"
#include <stdint.h>

/* One bit for each layer that this machine may lack. */
enum nw_shortfall {
    NW_SHORT_CAPABILITIES,
    NW_SHORT_RLIMITS,
    NW_SHORT_SECCOMP,
    NW_SHORT_COUNT,
};

struct nw_confinement {
    enum nw_mode mode;
    uint64_t exec_cookie; /* the one execve that the filter lets through carries it; see common/spawn.h */
};

/*
 * Confines the calling process, which must have one thread and be about to execute the worker. A mask of
 * (1 << enum nw_shortfall), or negative errno where going on would not be safe: without no_new_privs in any mode, and
 * without seccomp in mode process, where the process is all that holds a function. `arg` is a struct nw_confinement.
 */
int nw_confine(const void *arg);

/* A shortfall for people: what is missing and what that means. */
const char *nw_shortfall_text(enum nw_shortfall shortfall);

#endif
