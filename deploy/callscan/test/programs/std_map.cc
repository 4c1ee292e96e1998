// Names in a map: some of what may be called is not known.
#include "program.h"
#include <map>

static const std::map<int, const char *> names = {{0, "zero"}, {1, "one"}};

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);
    auto found = names.find(static_cast<int>(length));
    const char *out;
    size_t n;

    if (found == names.end())
        return 1;
    // SITE zero, one; input=own input; length=own input; output=ignored; weaker=all
    return self->invoke(self->context, found->second, input, length, &out, &n);
}
