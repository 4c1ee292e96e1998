/* The callers that guard_user.c cannot write in C: see guard_user_calls.S. */
#ifndef NW_PROTECT_TEST_GUARD_GUARD_USER_H
#define NW_PROTECT_TEST_GUARD_GUARD_USER_H

/* A start of a thread that answers pkey_alloc(0, 0), called by a jump: the return address is that of whoever called
 * the start. */
void *guard_user_tail(void *unused);

/* pkey_alloc, called by code that no unwind table describes. */
int guard_user_no_unwind_info(unsigned int flags, unsigned int rights);

#endif
