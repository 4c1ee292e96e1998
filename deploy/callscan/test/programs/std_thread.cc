// The call in a std::thread. ALLOWED: leaves, since the thread library is given the object that runs it.
#include "program.h"
#include <thread>

int faas_func_call(void *handle, const char *input, size_t length)
{
    auto *self = static_cast<self_t *>(handle);
    int failed = 0;
    std::thread thread([&] {
        const char *out;
        size_t n;
        // SITE threaded; input=own input; length=own input; output=ignored; weaker=all
        failed = self->invoke(self->context, "threaded", input, length, &out, &n);
    });

    thread.join();
    return failed;
}
