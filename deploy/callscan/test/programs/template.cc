// Names as template arguments and as constants of types.
#include "program.h"

struct Posts {
    static constexpr const char *name = "posts";
};
struct Media {
    static constexpr const char *name = "media";
};

template <typename Service> static int call(self_t *self, const char *data, size_t size)
{
    const char *out;
    size_t n;

    // SITE media, posts; input=own input; length=own input; output=ignored
    return self->invoke(self->context, Service::name, data, size, &out, &n);
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);

    return call<Posts>(self, input, length) || call<Media>(self, input, length);
}
