// An object with two bases that have virtual methods, reached through the second.
#define OWN_ENTRIES
#include "program.h"

struct Logger {
    virtual ~Logger() = default;
    virtual void log(const char *)
    {
    }
    long lines = 0;
};

struct Caller {
    virtual ~Caller() = default;
    virtual int call(const char *data, size_t size) = 0;
};

struct Both : Logger, Caller {
    Both(void *c, faas_invoke_func_fn_t i) : context(c), invoke(i)
    {
    }
    int call(const char *data, size_t size) override
    {
        const char *out;
        size_t n;

        log("call");
        // SITE second-base; input=own input; length=own input; output=ignored
        return invoke(context, "second-base", data, size, &out, &n);
    }
    void *context;
    faas_invoke_func_fn_t invoke;
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    Caller *caller = new Both(c, i);

    *handle = caller;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return static_cast<Caller *>(handle)->call(input, length);
}
