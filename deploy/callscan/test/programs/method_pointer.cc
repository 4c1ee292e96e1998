// A method called through a pointer to it.
#define OWN_ENTRIES
#include "program.h"

struct Client {
    void *context;
    faas_invoke_func_fn_t invoke;
    int load(const char *data, size_t size)
    {
        const char *out;
        size_t n;
        // SITE load; input=own input; length=own input; output=ignored
        return invoke(context, "load", data, size, &out, &n);
    }
    int store(const char *data, size_t size)
    {
        const char *out;
        size_t n;
        // SITE store; input=own input; length=own input; output=ignored
        return invoke(context, "store", data, size, &out, &n);
    }
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    *handle = new Client{c, i};
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    int (Client::*method)(const char *, size_t) = length > 4 ? &Client::store : &Client::load;

    return (static_cast<Client *>(handle)->*method)(input, length);
}
