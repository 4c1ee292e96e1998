/* A sound function, which the tests damage in every way they can think of. */
#include "faas/worker_v1_interface.h"

__attribute__((noinline)) static int deep_inside(int n)
{
    volatile int sum = 0;

    for (int i = 0; i < n; i++)
        sum += i;
    return sum;
}

int faas_init(void)
{
    return deep_inside(3) == 3 ? 0 : -1;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    (void)invoke_func_fn;
    (void)append_output_fn;
    *worker_handle = caller_context;
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
    return deep_inside((int)input_length) < 0;
}
