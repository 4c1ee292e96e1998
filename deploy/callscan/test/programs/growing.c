/* Func workers in an array that grows. */
#define OWN_ENTRIES
#include "program.h"

static struct self *workers;
static size_t n_workers;

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    workers = realloc(workers, (n_workers + 1) * sizeof *workers);
    workers[n_workers] = (struct self){c, i, a};
    *handle = (void *)++n_workers;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = &workers[(size_t)handle - 1];
    const char *out;
    size_t n;

    /* SITE bar; input=own input; length=own input; output=ignored */
    return self->invoke(self->context, "bar", input, length, &out, &n);
}
