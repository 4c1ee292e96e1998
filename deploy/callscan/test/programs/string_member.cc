// A std::string as a member, copied from a parameter.
#define OWN_ENTRIES
#include "program.h"
#include <string>

class Client
{
  public:
    Client(void *context, faas_invoke_func_fn_t invoke, const std::string &callee)
        : context_(context), invoke_(invoke), callee_(callee)
    {
    }
    int call(const char *data, size_t size) const
    {
        const char *out;
        size_t n;

        // SITE storage; input=own input; length=own input; output=ignored; weaker=O1
        return invoke_(context_, callee_.c_str(), data, size, &out, &n);
    }

  private:
    void *context_;
    faas_invoke_func_fn_t invoke_;
    std::string callee_;
};

int faas_create_func_worker(void *c, faas_invoke_func_fn_t i, faas_append_output_fn_t, void **handle)
{
    *handle = new Client(c, i, "storage");
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    return static_cast<Client *>(handle)->call(input, length);
}
