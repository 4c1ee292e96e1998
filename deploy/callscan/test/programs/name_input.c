/* A name that the caller chooses. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    char *name = strndup(input, length);
    const char *out;
    size_t n;
    int failed;

    /* SITE ?; input=none; length=constant 0; output=appended */
    failed = self->invoke(self->context, name, NULL, 0, &out, &n);
    if (!failed)
        self->append(self->context, out, n);
    free(name);
    return failed;
}
