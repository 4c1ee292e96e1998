/* The least that is a function: what forbidden code and damaged files are made of. */
#include <faas/worker_v1_interface.h>
#include <stddef.h>

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    (void)caller_context;
    (void)invoke_func_fn;
    (void)append_output_fn;
    *worker_handle = NULL;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    (void)worker_handle;
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    (void)worker_handle;
    (void)input;
    (void)input_length;
    return 0;
}
