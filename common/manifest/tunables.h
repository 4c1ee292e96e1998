/* Which of the settings of libc (GLIBC_TUNABLES) a function's environment may hold. */
#ifndef NW_COMMON_MANIFEST_TUNABLES_H
#define NW_COMMON_MANIFEST_TUNABLES_H

#include <stddef.h>

#define NW_TUNABLES "GLIBC_TUNABLES="

/* Checks that a value of GLIBC_TUNABLES, "glibc.malloc.arena_max=1:...", sets nothing but malloc. 0, or -EINVAL with a
 * message for people that names the first other setting. */
int nw__tunables_check(const char *value, char *why, size_t why_size);

#endif
