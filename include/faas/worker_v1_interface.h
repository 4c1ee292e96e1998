/*
 * The function ABI: what a function's shared object exports, and what it may call while it runs.
 *
 * Source and binary compatible with the worker v1 C interface of nightcore, so one .so serves both. All functions
 * return 0 for success. Exported from the .so with default visibility and C linkage.
 */
#ifndef FAAS_WORKER_V1_INTERFACE_H
#define FAAS_WORKER_V1_INTERFACE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FAAS_EXPORT __attribute__((visibility("default")))

/* Adds `length` bytes at `data` to the output of the running call. May be called any number of times. */
typedef void (*faas_append_output_fn_t)(void *caller_context, const char *data, size_t length);

/*
 * Calls another function by name and waits for its output. On success *output_data and *output_length describe the
 * output, which stays valid until the surrounding faas_func_call returns. On failure: -1, NULL and 0.
 */
typedef int (*faas_invoke_func_fn_t)(void *caller_context, const char *func_name, const char *input_data,
                                     size_t input_length, const char **output_data, size_t *output_length);

/* Called once after the shared object was loaded, before anything else. */
#ifdef __cplusplus
FAAS_EXPORT int faas_init();
#else
FAAS_EXPORT int faas_init(void);
#endif

/*
 * Makes one func worker. `caller_context` must be handed back unchanged to the two callbacks. *worker_handle is the
 * function's own; it comes back in every call to this func worker.
 */
FAAS_EXPORT int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                                        faas_append_output_fn_t append_output_fn, void **worker_handle);

/* Ends a func worker. */
FAAS_EXPORT int faas_destroy_func_worker(void *worker_handle);

/*
 * Runs the function once. `input` is valid during the call and is not NUL-terminated. Never called concurrently for
 * one handle. A non-zero return is HTTP status 500.
 */
FAAS_EXPORT int faas_func_call(void *worker_handle, const char *input, size_t input_length);

#ifdef __cplusplus
}
#endif

#endif
