/*
 * Whether a file can be a function: a sound shared object for this machine that exports the worker interface, asks
 * for no memory that is writable and executable, and holds no instruction that could change its rights, but for what
 * stands there by accident and can be taken out (rewrite.h). It tells people early and in full; what holds a domain is
 * checked again whenever its code becomes executable.
 */
#ifndef NW_PROTECT_CHECK_FUNCTION_CHECK_H
#define NW_PROTECT_CHECK_FUNCTION_CHECK_H

#include "protect/scan/scan.h"

/* A function whose segments take more address space than this is refused. */
#define NW_FUNCTION_SPAN_MAX ((uint64_t)1 << 30)

/* `why` never needs more. */
#define NW_FUNCTION_WHY_SIZE 256

/*
 * Checks the `size` bytes of a file, which must not change meanwhile. 0, or with a message for people in `why`, to be
 * put behind the file's name: -ENOEXEC (not a shared object for this machine, or damaged), -ENOENT (a symbol of the
 * interface is missing), -EPERM (it holds or asks for what no function may have), -ENOMEM.
 */
int nw_function_check(const uint8_t *bytes, size_t size, char *why, size_t why_size);

/* The same. When a forbidden instruction is the reason, *site is it, its offset counted in the file; otherwise the
 * length of *site is 0. */
int nw_function_check_site(const uint8_t *bytes, size_t size, char *why, size_t why_size, struct nw_scan_hit *site);

#endif
