/*
 * For tests of what functions do in a whole worker process: one worker for each test, with two executors, in a mode
 * that holds many functions or that NW_TEST_MODE says.
 */
#ifndef NW_WORKER_TEST_WHOLE_H
#define NW_WORKER_TEST_WHOLE_H

#include "worker/test/harness.h"

extern struct nw_harness nw_whole;

int nw_whole_start(void **state);
int nw_whole_stop(void **state);

/* Where a function of functions/ is; valid until the eighth call from now. */
const char *nw_sample_so(const char *name);

/* One of worker/test; valid until the next call. */
const char *nw_test_so(const char *name);

/* Loads one of functions/, in profile files. */
uint32_t nw_whole_load(const char *name);

void nw_whole_expect(uint32_t deployment, const char *input, const char *output);

#endif
