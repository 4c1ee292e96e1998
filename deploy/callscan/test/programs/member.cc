// The callback as a member of a class.
#define OWN_ENTRIES
#include "program.h"

namespace
{

class Client
{
  public:
    Client(void *context, faas_invoke_func_fn_t invoke) : context_(context), invoke_(invoke)
    {
    }

    int call(const char *name, const char *data, size_t size) const
    {
        const char *out;
        size_t n;

        // SITE users; input=own input; length=own input; output=ignored
        return invoke_(context_, name, data, size, &out, &n);
    }

  private:
    void *context_;
    faas_invoke_func_fn_t invoke_;
};

} // namespace

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    *handle = new Client(c, i);
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return static_cast<Client *>(handle)->call("users", input, length);
}
