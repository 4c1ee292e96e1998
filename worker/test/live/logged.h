/* A worker whose log can be read, with one function in it that does what its input says. For tests in every mode. */
#ifndef NW_WORKER_TEST_LIVE_LOGGED_H
#define NW_WORKER_TEST_LIVE_LOGGED_H

#include "worker/test/harness.h"

struct nw_logged {
    struct nw_harness harness;
    enum nw_mode mode;
    uint32_t deployment;
};

extern struct nw_logged nw_logged;

/* Fixtures of cmocka. */
int nw_logged_setup(void **state);
int nw_logged_teardown(void **state);

/* Loads a function of worker/test as nw_harness_load does; `so` is its name, and the function's when it has none. */
uint32_t nw_logged_load(struct nw_load load);

/* What the function answers, or "failed: " and why. Valid until the next. */
const char *nw_logged_ask(const char *input);

/* All that the worker has written. Valid until the next. */
const char *nw_logged_text(void);

/* Waits until the worker has written this. */
void nw_logged_await(const char *text);

/* Runs the tests in each mode that this machine has; how many groups failed. */
#define NW_LOGGED_RUN(name, tests) nw_logged_run(name, tests, sizeof(tests) / sizeof((tests)[0]))
struct CMUnitTest;
int nw_logged_run(const char *name, const struct CMUnitTest *tests, size_t n);

#endif
