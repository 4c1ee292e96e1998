// No site: a virtual method whose type is that of the callback.
#include "program.h"

struct Codec {
    virtual ~Codec() = default;
    virtual int run(const char *option, const char *in, size_t size, const char **out, size_t *n) = 0;
};

struct Plain : Codec {
    int run(const char *, const char *in, size_t size, const char **out, size_t *n) override
    {
        *out = in;
        *n = size;
        return 0;
    }
};

struct Empty : Codec {
    int run(const char *, const char *, size_t, const char **out, size_t *n) override
    {
        *out = "";
        *n = 0;
        return 0;
    }
};

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);
    Plain plain;
    Empty empty;
    Codec *codec = length > 3 ? static_cast<Codec *>(&plain) : &empty;
    const char *out;
    size_t n;

    if (codec->run("nobody", input, length, &out, &n))
        return 1;
    self->append(self->context, out, n);
    return 0;
}
