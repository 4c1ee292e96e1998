/* A name for each case. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out, *name;
    size_t n;

    switch (length ? input[0] : 0) {
    case 'u':
        name = "users";
        break;
    case 'p':
        name = "posts";
        break;
    case 't':
        name = "timeline";
        break;
    default:
        return 1;
    }
    /* SITE posts, timeline, users; input=own input; length=own input; output=ignored */
    return self->invoke(self->context, name, input, length, &out, &n);
}
