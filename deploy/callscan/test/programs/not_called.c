/* No site: the callback is stored and never called. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;

    if (self->invoke)
        self->append(self->context, input, length);
    return 0;
}
