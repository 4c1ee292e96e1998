// The client behind a unique_ptr and a shared_ptr.
#define OWN_ENTRIES
#include "program.h"
#include <memory>

struct Client {
    void *context;
    faas_invoke_func_fn_t invoke;
    int call(const char *name)
    {
        const char *out;
        size_t n;
        // SITE unique, shared; input=none; length=constant 0; output=ignored
        return invoke(context, name, nullptr, 0, &out, &n);
    }
};

struct Worker {
    std::unique_ptr<Client> unique;
    std::shared_ptr<Client> shared;
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    auto worker = std::make_unique<Worker>();

    worker->unique = std::make_unique<Client>(Client{c, i});
    worker->shared = std::make_shared<Client>(Client{c, i});
    *handle = worker.release();
    return 0;
}

int faas_func_call(void *handle, const char *, size_t)
{
    auto *worker = static_cast<Worker *>(handle);

    return worker->unique->call("unique") || worker->shared->call("shared");
}
