/* Returns its input, byte for byte. */
#include <faas/worker_v1_interface.h>
#include <stdlib.h>

struct echo {
    void *context;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct echo *echo = malloc(sizeof *echo);

    (void)invoke_func_fn;
    if (!echo)
        return -1;
    *echo = (struct echo){.context = caller_context, .append = append_output_fn};
    *worker_handle = echo;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct echo *echo = worker_handle;

    echo->append(echo->context, input, input_length);
    return 0;
}
