/*
 * Names of the engine's checks that a test build can leave out, so that a test can show what an attack does where
 * nothing stops it (engine/test/attack/attack_test.c). Only objects built with -DNW_WITHOUT can do that; in all others
 * nw_unchecked() is the constant false. What workers can leave out is in protect/gate/without.h.
 */
#ifndef NW_COMMON_BASE_WITHOUT_H
#define NW_COMMON_BASE_WITHOUT_H

#include <stdbool.h>

enum nw_check {
    NW_CHECK_INDEX,   /* indices of rings */
    NW_CHECK_PAYLOAD, /* payloads lie in the arena */
    NW_CHECK_STATUS,  /* there is such a status */
    NW_CHECK_BLOCK,   /* who releases a block was given it */
    NW_CHECK_OWNER,   /* who completes an invocation, or has read its input, was given it */
    NW_CHECK_LENGTH,  /* a request has a length or chunks */
    NW_CHECK_FOLD,    /* a header does not go on in the next line */
    NW_CHECK_USER,    /* only this user may use the admin API */
    NW_CHECK_NAME,    /* names of functions */
    NW_CHECK_SHARE,   /* how much of the arenas clients may hold */
    NW_CHECK_LOADS,   /* functions are loaded side by side */
    NW_CHECK_COUNT
};

#ifdef NW_WITHOUT
extern bool nw_left_unchecked[NW_CHECK_COUNT];
#define nw_unchecked(check) (nw_left_unchecked[check])
#else
#define nw_unchecked(check) ((void)(check), false)
#endif

#endif
