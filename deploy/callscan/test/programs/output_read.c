/* The output is looked at. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* SITE bar; input=own input; output=read */
    if (self->invoke(self->context, "bar", input, length, &out, &n))
        return 1;
    return n > 0 && out[0] == 'n';
}
