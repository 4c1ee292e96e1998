/* The struct passed and given back by value. */
#include "program.h"

struct both {
    struct self self;
    const char *name;
};

__attribute__((noinline)) static struct both with_name(struct self self, const char *name)
{
    return (struct both){self, name};
}

__attribute__((noinline)) static int call(struct both both, const char *input, size_t length)
{
    const char *out;
    size_t n;

    /* SITE by-value; input=own input; length=own input; output=ignored */
    return both.self.invoke(both.self.context, both.name, input, length, &out, &n);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return call(with_name(*(struct self *)handle, "by-value"), input, length);
}
