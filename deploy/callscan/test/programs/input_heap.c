/* An input that is put together on the heap. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    char *request = malloc(length + 8);
    const char *out;
    size_t n;
    int failed;

    memcpy(request, "prefix: ", 8);
    memcpy(request + 8, input, length);
    /* SITE bar; input=heap; length=unknown; output=ignored */
    failed = self->invoke(self->context, "bar", request, length + 8, &out, &n);
    free(request);
    return failed;
}
