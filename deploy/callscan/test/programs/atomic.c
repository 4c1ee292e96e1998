/* The callback exchanged atomically. */
#define OWN_ENTRIES
#include "program.h"
#include <stdatomic.h>

static _Atomic(faas_invoke_func_fn_t) invoke;

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t a, void **handle)
{
    faas_invoke_func_fn_t none = NULL;

    (void)a;
    atomic_compare_exchange_strong(&invoke, &none, i);
    *handle = c;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    faas_invoke_func_fn_t f = atomic_load(&invoke);
    const char *out;
    size_t n;

    /* SITE bar; input=own input; length=own input; output=ignored */
    return f(handle, "bar", input, length, &out, &n);
}
