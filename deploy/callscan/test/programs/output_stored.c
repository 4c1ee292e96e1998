/* The output is kept in memory that the function has anyway. */
#include "program.h"

static const char *last;

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* SITE bar; input=own input; output=stored */
    if (self->invoke(self->context, "bar", input, length, &out, &n))
        return 1;
    last = out;
    return last == NULL;
}
