/* Answers what it was asked, so that its caller can show that the answer is bar's. See foo. */
#include <faas/worker_v1_interface.h>
#include <stdlib.h>

struct bar {
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
    struct bar *bar = malloc(sizeof *bar);

    (void)invoke_func_fn;
    if (!bar)
        return -1;
    *bar = (struct bar){.context = caller_context, .append = append_output_fn};
    *worker_handle = bar;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct bar *bar = worker_handle;

    bar->append(bar->context, "bar heard ", 10);
    bar->append(bar->context, input, input_length);
    return 0;
}
