/* Structs within structs, reached through pointers. */
#define OWN_ENTRIES
#include "program.h"

struct runtime {
    long version;
    struct self calls;
};

struct worker {
    char padding[24];
    struct runtime *runtime;
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    struct worker *worker = calloc(1, sizeof *worker);

    worker->runtime = calloc(1, sizeof *worker->runtime);
    worker->runtime->calls.context = c;
    worker->runtime->calls.invoke = i;
    worker->runtime->calls.append = a;
    *handle = worker;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct worker *worker = handle;
    struct self *calls = &worker->runtime->calls;
    const char *out;
    size_t n;

    /* SITE inner; input=own input; length=own input; output=ignored */
    return calls->invoke(calls->context, "inner", input, length, &out, &n);
}
