/* A helper that other modules could see: the module has the entries, so they are taken to be all. */
#include "program.h"

int call_service(struct self *self, const char *name);

int call_service(struct self *self, const char *name)
{
    const char *out;
    size_t n;

    /* SITE one, two; input=none; length=constant 0; output=ignored */
    return self->invoke(self->context, name, NULL, 0, &out, &n);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    (void)input;
    return call_service(handle, length ? "one" : "two");
}
