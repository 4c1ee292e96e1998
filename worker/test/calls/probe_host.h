/* What the tests of profiles stand on: a worker, and the function probe.so in it, which does what it is told. */
#ifndef NW_WORKER_TEST_CALLS_PROBE_HOST_H
#define NW_WORKER_TEST_CALLS_PROBE_HOST_H

#include "worker/test/harness.h"

struct nw_probe {
    struct nw_harness harness;
    enum nw_mode mode;
    uint32_t deployment; /* whom nw_probe_ask asks */
};

extern struct nw_probe nw_probe;

/* The file of a function of worker/test. Valid until the next call. */
const char *nw_probe_built(const char *name);

/* Loads the probe, or, by the name of "memory", the attacker, whose deadline is short. */
uint32_t nw_probe_load(const char *name, uint32_t profile, const char *connect, const char *directories);

/* A directory for the files of a test, and all that is in it away again. A command for the shell that must succeed. */
extern char nw_probe_folder[32];
void nw_probe_folder_make(void);
void nw_probe_folder_remove(void);
__attribute__((format(printf, 1, 2))) void nw_probe_shell(const char *format, ...);

/* The next answer, as text. */
void nw_probe_take(char *answer, size_t size);

/* What the probe answers to a command. Valid until the next. */
__attribute__((format(printf, 1, 2))) const char *nw_probe_ask(const char *format, ...);

#endif
