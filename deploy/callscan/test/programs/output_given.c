/* The output is given to code that is not there. */
#include "program.h"

void audit(const char *data, size_t size);

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* SITE bar; input=own input; output=given away */
    if (self->invoke(self->context, "bar", input, length, &out, &n))
        return 1;
    audit(out, n);
    return 0;
}
