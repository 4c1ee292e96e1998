/*
 * What every function here has in common: compat.c exports the interface, and the file that carries a library's name
 * holds what is tried of it and nothing else.
 */
#ifndef NW_FUNCTIONS_COMPAT_H
#define NW_FUNCTIONS_COMPAT_H

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Once, while the function is loaded. 0, or the deployment is refused. */
int compat_load(void);

/* One invocation: what is written to `out` is the answer. `input` ends with NUL. Not 0 is HTTP status 500. */
int compat_call(const char *input, FILE *out);

#ifdef __cplusplus
}
#endif

#endif
