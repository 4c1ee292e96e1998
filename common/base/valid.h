/*
 * Checks that only debug builds make (`make debug`, the sanitized builds and the fuzz targets): they define NW_DEBUG. A
 * structure with invariants has a `bool nw_X_is_valid(const struct nw_X *)` beside it, which is asked at each of its
 * moves. These find mistakes of ours. What comes from outside is checked in every build, and never here.
 */
#ifndef NW_COMMON_BASE_VALID_H
#define NW_COMMON_BASE_VALID_H

#include <stdlib.h>
#include <unistd.h>

#ifdef NW_DEBUG
#define NW__CHECKS 1
#else
#define NW__CHECKS 0 /* the compiler still reads the checks, and leaves nothing of them */
#endif

/* Takes no lock, no memory and no thread-local variable until it aborts: it may be called anywhere. */
static inline _Noreturn void nw__is_not_valid(const char *text, size_t length)
{
    ssize_t ignored = write(STDERR_FILENO, text, length);
    (void)ignored;
    abort();
}

#define NW__AS_TEXT(token) #token
#define NW__TEXT_OF(token) NW__AS_TEXT(token)
#define NW__HERE(what)     __FILE__ ":" NW__TEXT_OF(__LINE__) ": " what "\n"
#define NW__CHECK(good, what) \
    ((void)(NW__CHECKS && !(good) ? nw__is_not_valid(NW__HERE(what), sizeof NW__HERE(what) - 1) : (void)0))

/* nw_check_valid(nw_spool, spool) asks nw_spool_is_valid(spool). */
#define nw_check_valid(structure, thing) NW__CHECK(structure##_is_valid(thing), #structure " is not valid")

/* What holds here without being part of a structure, such as that a state may follow another. */
#define nw_check_that(condition) NW__CHECK(condition, "does not hold: " #condition)

#endif
