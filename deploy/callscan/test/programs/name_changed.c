/* A name whose last character is changed afterwards. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    char name[16] = "shard-0";
    const char *out;
    size_t n;

    name[6] = (char)('0' + length % 10);
    /* SITE ?; input=own input; output=ignored */
    return self->invoke(self->context, name, input, length, &out, &n);
}
