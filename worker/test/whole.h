/*
 * For tests of what functions do in a whole worker process: one worker for each test, in the mode that the test program
 * runs its tests in, or else one that holds many functions or that NW_TEST_MODE says.
 */
#ifndef NW_WORKER_TEST_WHOLE_H
#define NW_WORKER_TEST_WHOLE_H

#include "worker/test/harness.h"

extern struct nw_harness nw_whole;
extern enum nw_mode nw_whole_mode;  /* of the worker */
extern uint32_t nw_whole_executors; /* that it has; 2 unless a test says otherwise */

/* Fixtures of cmocka. */
int nw_whole_start(void **state);
int nw_whole_stop(void **state);

/* Runs the tests in mode mpk, where this machine has it, and in mode process: what a test program returns. */
#define NW_WHOLE_RUN(tests) nw_whole_run(tests, sizeof(tests) / sizeof((tests)[0]))
struct CMUnitTest;
int nw_whole_run(const struct CMUnitTest *tests, size_t n);

/* Where a function of functions/ is; valid until the eighth call from now. */
const char *nw_sample_so(const char *name);

/* One of worker/test; valid until the next call. */
const char *nw_test_so(const char *name);

/* Loads one of functions/, in profile files. */
uint32_t nw_whole_load(const char *name);

/* Loads a function of worker/test as nw_harness_load does; `so` is its name, and the function's when it has none. The
 * second fails the test when it is refused. */
uint32_t nw_whole_try(struct nw_load load);
uint32_t nw_whole_must(struct nw_load load);

void nw_whole_expect(uint32_t deployment, const char *input, const char *output);

#endif
