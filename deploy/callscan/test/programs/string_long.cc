// A literal that does not fit into the std::string itself, handed on by reference.
#include "program.h"
#include <string>

static int call(self_t *self, const std::string &name, const std::string &data)
{
    const char *out;
    size_t n;

    // SITE compose-post-service-of-the-application; input=stack,heap; output=ignored; weaker=O1
    return self->invoke(self->context, name.c_str(), data.data(), data.size(), &out, &n);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return call(static_cast<self_t *>(handle), "compose-post-service-of-the-application", std::string(input, length));
}
