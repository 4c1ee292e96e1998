/* A name that a function gives back. */
#include "program.h"

enum kind { KIND_TEXT, KIND_IMAGE, KIND_VIDEO };

__attribute__((noinline)) static const char *name_of(enum kind kind)
{
    switch (kind) {
    case KIND_TEXT:
        return "text";
    case KIND_IMAGE:
        return "image";
    default:
        return "video";
    }
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    /* SITE image, text, video; input=own input; output=ignored */
    return self->invoke(self->context, name_of((enum kind)(length % 3)), input, length, &out, &n);
}
