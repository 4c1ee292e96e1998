/* A function that calls itself before it calls another one. */
#include "program.h"

static int descend(struct self *self, unsigned depth, const char *data, size_t size)
{
    const char *out;
    size_t n;

    if (depth > 0 && descend(self, depth - 1, data, size))
        return 1;
    /* SITE leaf; input=own input; length=own input; output=ignored */
    return self->invoke(self->context, "leaf", data, size, &out, &n);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return descend(handle, (unsigned)length % 7, input, length);
}
