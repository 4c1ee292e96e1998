/* Greets whoever the input names. The smallest complete function: start here. */
#include <faas/worker_v1_interface.h>
#include <stdlib.h>

struct greeter {
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
    struct greeter *greeter = malloc(sizeof *greeter);

    (void)invoke_func_fn;
    if (!greeter)
        return -1;
    *greeter = (struct greeter){.context = caller_context, .append = append_output_fn};
    *worker_handle = greeter;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct greeter *greeter = worker_handle;

    greeter->append(greeter->context, "Hello, ", 7);
    if (input_length)
        greeter->append(greeter->context, input, input_length);
    else
        greeter->append(greeter->context, "world", 5);
    greeter->append(greeter->context, "!\n", 2);
    return 0;
}
