/* A name out of an array of structs, whose other texts are no names of functions. */
#include "program.h"

struct service {
    const char *name;
    const char *purpose;
    size_t most;
};

static const struct service services[] = {
    {"store", "keeps", 64},
    {"fetch", "brings", 128},
    {"purge", "forgets", 32},
};

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const struct service *service = &services[length % 3];
    const char *out;
    size_t n;

    /* SITE fetch, purge, store; input=own input; length=bounded 128; output=ignored */
    return self->invoke(self->context, service->name, input, service->most, &out, &n);
}
