/* For valid_test.c: a check of a release build. */
#ifndef NW_COMMON_TEST_BASE_VALID_OFF_H
#define NW_COMMON_TEST_BASE_VALID_OFF_H

/* How often a check of something that is not valid asked about it. */
int check_without_debug(void);

#endif
