/* No site: one of two functions of the module. */
#include "program.h"

typedef int (*same_fn)(void *, const char *, const char *, size_t, const char **, size_t *);

static int one(void *context, const char *name, const char *in, size_t size, const char **out, size_t *n)
{
    (void)context, (void)name, (void)in, (void)size;
    *out = "one";
    *n = 3;
    return 0;
}

static int two(void *context, const char *name, const char *in, size_t size, const char **out, size_t *n)
{
    (void)context, (void)name;
    *out = in;
    *n = size;
    return 1;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    same_fn f = length > 3 ? one : two;
    const char *out;
    size_t n;

    return f(handle, "nobody", input, length, &out, &n);
}
