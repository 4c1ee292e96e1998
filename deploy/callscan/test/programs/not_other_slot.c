/* No site: the callback is in the array, and what is called is in another place of it. */
#define OWN_ENTRIES
#include "program.h"

static faas_invoke_func_fn_t functions[3];

static int local(void *context, const char *name, const char *in, size_t size, const char **out, size_t *n)
{
    (void)context, (void)name;
    *out = in;
    *n = size;
    return 0;
}

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    (void)a;
    functions[0] = i;
    functions[2] = local;
    *handle = c;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    const char *out;
    size_t n;

    return functions[2](handle, "nobody", input, length, &out, &n);
}
