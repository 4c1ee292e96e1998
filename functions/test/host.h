/*
 * Runs functions in the test's own process, without the runtime: each is dlopened and gets one func worker; a nested
 * call finds its callee in the same folder. Nothing is isolated and one thread at a time may use it.
 */
#ifndef NW_FUNCTIONS_TEST_HOST_H
#define NW_FUNCTIONS_TEST_HOST_H

#include <stddef.h>

struct host;

/* `folder` holds NAME/NAME.so for every function. NULL when memory is short. */
struct host *host_new(const char *folder);

/* Destroys every func worker and closes every shared object. */
void host_free(struct host *host);

/*
 * Calls a function. What it returned, or -1 when it cannot be loaded; the output is NUL-terminated behind its length
 * and stays valid until the next host_call.
 */
int host_call(struct host *host, const char *name, const void *input, size_t length, const char **output,
              size_t *output_length);

#endif
