/* The callback is given to code that is not there. */
#include "program.h"

int run_elsewhere(struct self *self, const char *data, size_t size);

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* LEAVES */
    if (run_elsewhere(self, input, length))
        return 1;
    /* SITE bar; input=own input; output=ignored; weaker=all */
    return self->invoke(self->context, "bar", input, length, &out, &n);
}
