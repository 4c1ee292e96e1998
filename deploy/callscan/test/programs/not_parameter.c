/* No site: a helper whose parameter is a function of the module, whoever calls it. */
#include "program.h"

typedef int (*visit_fn)(void *, const char *, const char *, size_t, const char **, size_t *);

static int count(void *state, const char *key, const char *value, size_t size, const char **next, size_t *left)
{
    *(size_t *)state += size + strlen(key);
    *next = value;
    *left = 0;
    return 0;
}

__attribute__((noinline)) static int visit(visit_fn f, void *state, const char *input, size_t length)
{
    const char *next;
    size_t left;

    return f(state, "key", input, length, &next, &left);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    size_t sum = 0;

    (void)handle;
    return visit(count, &sum, input, length) || sum > 100;
}
