/* Names in rows of characters. */
#include "program.h"

static const char names[4][8] = {"north", "east", "south", "west"};

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* SITE east, north, south, west; input=own input; output=ignored */
    return self->invoke(self->context, names[length & 3], input, length, &out, &n);
}
