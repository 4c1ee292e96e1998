/*
 * Which functions a version's code calls, by what a compiler has written into it (docs/callscan.md), and whether that
 * goes with whom it is to be allowed to call. On any thread; the code may be anything.
 */
#ifndef NW_ENGINE_CODE_CALLS_H
#define NW_ENGINE_CODE_CALLS_H

#include "common/manifest/manifest.h"
#include <stddef.h>

/* Sets manifest->found. 0, or -EINVAL with a message for people: it is to call only what was found, and not all of that
 * is known. */
int nw_code_calls(const void *code, size_t length, struct nw_manifest *manifest, char *why, size_t why_size);

#endif
