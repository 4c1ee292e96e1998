/* An input on the stack, of a constant length. */
#include "program.h"

struct request {
    long user;
    long post;
};

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    struct request request = {.user = (long)length, .post = input ? input[0] : 0};
    const char *out;
    size_t n;

    /* SITE posts; input=stack; length=constant 16; output=ignored */
    return self->invoke(self->context, "posts", (const char *)&request, sizeof request, &out, &n);
}
