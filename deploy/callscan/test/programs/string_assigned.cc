// A std::string that is assigned in branches.
#include "program.h"
#include <string>

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);
    std::string name;
    const char *out;
    size_t n;

    if (length > 10)
        name = "long-text";
    else
        name = "short-text";
    // SITE long-text, short-text; input=own input; length=own input; output=ignored
    return self->invoke(self->context, name.c_str(), input, length, &out, &n);
}
