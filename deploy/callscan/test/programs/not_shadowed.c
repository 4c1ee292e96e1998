/* No site: the runtime's callback is replaced before anybody calls it. */
#include "program.h"

static int fake(void *context, const char *name, const char *in, size_t size, const char **out, size_t *n)
{
    (void)context, (void)name;
    *out = in;
    *n = size;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self mock = *(struct self *)handle;
    faas_invoke_func_fn_t invoke = mock.invoke;
    const char *out;
    size_t n;

    invoke = fake;
    return invoke(mock.context, "nobody", input, length, &out, &n);
}
