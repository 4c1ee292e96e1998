/* Perhaps a site: a function of the same type that was looked up at run time. */
#include "program.h"
#include <dlfcn.h>

int faas_func_call(void *handle, const char *input, size_t length)
{
    faas_invoke_func_fn_t f = (faas_invoke_func_fn_t)dlsym(NULL, "something");
    const char *out;
    size_t n;

    /* MAYBE perhaps; input=own input; output=ignored */
    return f ? f(handle, "perhaps", input, length, &out, &n) : 1;
}
