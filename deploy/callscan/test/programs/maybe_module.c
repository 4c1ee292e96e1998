/* Perhaps a site: a module without the entries of a function, whose helper is given something of the type. */
#define OWN_ENTRIES
#include "program.h"

int ask(faas_invoke_func_fn_t f, void *context);

int ask(faas_invoke_func_fn_t f, void *context)
{
    const char *out;
    size_t n;

    /* MAYBE asked; input=none; length=constant 0; output=ignored */
    return f(context, "asked", NULL, 0, &out, &n);
}
