/* A helper with arguments that no parameter has. */
#include "program.h"
#include <stdarg.h>

__attribute__((noinline)) static int call_all(struct self *self, int count, ...)
{
    const char *out;
    size_t n;
    va_list names;
    int failed = 0;

    va_start(names, count);
    for (int i = 0; i < count && !failed; i++)
        /* SITE red, green, blue; input=none; length=constant 0; output=ignored; weaker=all */
        failed = self->invoke(self->context, va_arg(names, const char *), NULL, 0, &out, &n);
    va_end(names);
    return failed;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    (void)input, (void)length;
    return call_all(handle, 3, "red", "green", "blue");
}
