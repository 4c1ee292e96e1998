// The call behind a std::function that a func worker keeps.
#define OWN_ENTRIES
#include "program.h"
#include <functional>

struct Worker {
    std::function<int(const char *, const char *, size_t)> call;
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    auto *worker = new Worker;

    worker->call = [c, i](const char *name, const char *data, size_t size) {
        const char *out;
        size_t n;
        // SITE functional; input=own input; length=own input; output=ignored
        return i(c, name, data, size, &out, &n);
    };
    *handle = worker;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return static_cast<Worker *>(handle)->call("functional", input, length);
}
