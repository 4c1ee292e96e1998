/* A name in a local array. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    char name[] = "a-name-of-its-own";
    const char *out;
    size_t n;

    /* SITE a-name-of-its-own; input=own input; output=ignored */
    return self->invoke(self->context, name, input, length, &out, &n);
}
