/* Calls the function bar with its own input and passes the answer on: a nested call in its simplest form. */
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>

struct foo {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct foo *foo = malloc(sizeof *foo);

    if (!foo)
        return -1;
    *foo = (struct foo){.context = caller_context, .invoke = invoke_func_fn, .append = append_output_fn};
    *worker_handle = foo;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct foo *foo = worker_handle;
    const char *answer; /* the runtime's memory: valid until this call returns, not ours to free */
    size_t answer_length;

    if (foo->invoke(foo->context, "bar", input, input_length, &answer, &answer_length)) {
        fputs("foo: the call to bar failed; is it deployed?\n", stderr);
        return 1;
    }
    foo->append(foo->context, "foo called bar: ", 16);
    foo->append(foo->context, answer, answer_length);
    foo->append(foo->context, "\n", 1);
    return 0;
}
