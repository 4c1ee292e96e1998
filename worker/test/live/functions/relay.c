/* A function for tests: input "NAME REST" calls NAME with REST. Answers "COUNT OUTPUT", or "COUNT failed"; COUNT is how
 * many calls this domain has seen, which tells whether it was made anew. */
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct relay {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

static unsigned calls;

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct relay *relay = malloc(sizeof(*relay));

    if (!relay)
        return -1;
    *relay = (struct relay){caller_context, invoke_func_fn, append_output_fn};
    *worker_handle = relay;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    struct relay *relay = worker_handle;
    const char *space = memchr(input, ' ', input_length), *output;
    char name[64], count[16];
    size_t length, output_length;
    int failed;

    if (!space || space - input >= (long)sizeof(name))
        return 1;
    length = (size_t)(space - input);
    memcpy(name, input, length);
    name[length] = '\0';
    snprintf(count, sizeof(count), "%u ", __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED));
    failed = relay->invoke(relay->context, name, space + 1, input_length - length - 1, &output, &output_length);
    relay->append(relay->context, count, strlen(count));
    relay->append(relay->context, failed ? "failed" : output, failed ? 6 : output_length);
    return 0;
}
