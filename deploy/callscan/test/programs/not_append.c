/* No site: the other callback. */
#include "program.h"

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;

    self->append(self->context, "bar", 3);
    self->append(self->context, input, length);
    return 0;
}
