// A short literal in a std::string.
#include "program.h"
#include <string>

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);
    std::string name = "media";
    const char *out;
    size_t n;

    // SITE media; input=own input; length=own input; output=ignored
    return self->invoke(self->context, name.c_str(), input, length, &out, &n);
}
