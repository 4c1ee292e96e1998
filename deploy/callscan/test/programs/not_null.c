/* No site: a hook of the same type that nobody sets. */
#include "program.h"

static faas_invoke_func_fn_t hook;

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    if (hook && hook(self->context, "nobody", input, length, &out, &n))
        return 1;
    self->append(self->context, input, length);
    return 0;
}
