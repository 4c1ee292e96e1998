/* The struct copied as bytes. */
#include "program.h"

static struct self copies[4];

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = &copies[length & 3];
    const char *out;
    size_t n;

    memcpy(self, handle, sizeof *self);
    /* SITE bar; input=own input; length=own input; output=ignored */
    return self->invoke(self->context, "bar", input, length, &out, &n);
}
