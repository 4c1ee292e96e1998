// The callback captured by a lambda, which a template is given.
#include "program.h"

template <typename F> __attribute__((noinline)) static int twice(const F &f)
{
    return f("lambda-a") || f("lambda-b");
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);

    return twice([&](const char *name) {
        const char *out;
        size_t n;

        // SITE lambda-a, lambda-b; input=own input; length=own input; output=ignored
        return self->invoke(self->context, name, input, length, &out, &n);
    });
}
