/* The output of one call is the input of the next. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *middle, *out;
    size_t m, n;

    /* SITE first; input=own input; length=own input; output=passed on */
    if (self->invoke(self->context, "first", input, length, &middle, &m))
        return 1;
    /* SITE second; input=output; length=output; output=appended */
    if (self->invoke(self->context, "second", middle, m, &out, &n))
        return 1;
    self->append(self->context, out, n);
    return 0;
}
