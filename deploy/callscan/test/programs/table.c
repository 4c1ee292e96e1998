/* A name out of a constant array. */
#include "program.h"

static const char *const names[] = {"alpha", "beta", "gamma"};

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* SITE alpha, beta, gamma; input=own input; output=ignored */
    return self->invoke(self->context, names[length % 3], input, length, &out, &n);
}
