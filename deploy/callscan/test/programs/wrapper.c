/* A wrapper of the same type, called through a table. */
#include "program.h"

typedef int (*call_fn)(void *, const char *, const char *, size_t, const char **, size_t *);

static int checked(void *self_pointer, const char *name, const char *in, size_t size, const char **out, size_t *n)
{
    struct self *self = self_pointer;

    if (size > 1000)
        return -1;
    /* SITE wrapped; input=own input; length=own input; output=appended */
    return self->invoke(self->context, name, in, size, out, n);
}

static const struct {
    call_fn call;
} table = {checked};

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    if (table.call(self, "wrapped", input, length, &out, &n))
        return 1;
    self->append(self->context, out, n);
    return 0;
}
