/* An input in a variable of the file. */
#include "program.h"

static char request[64];

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    memcpy(request, input, length < sizeof request ? length : sizeof request);
    /* SITE bar; input=global; length=constant 64; output=ignored */
    return self->invoke(self->context, "bar", request, sizeof request, &out, &n);
}
