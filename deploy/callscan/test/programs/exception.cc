// A call within try, and one in a handler, where the thrown object brings the name.
#include "program.h"

struct Retry {
    const char *name;
};

__attribute__((noinline)) static int call(self_t *self, const char *name, const char *data, size_t size)
{
    const char *out;
    size_t n;

    // SITE first, spare; input=own input; length=own input; output=read
    if (self->invoke(self->context, name, data, size, &out, &n))
        return -1;
    if (n > 0 && out[0] == 'r')
        throw Retry{"spare"};
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
try {
    return call(static_cast<self_t *>(handle), "first", input, length);
} catch (const Retry &retry) {
    return call(static_cast<self_t *>(handle), retry.name, input, length);
}
