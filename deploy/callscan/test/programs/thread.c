/* A thread that is given the func worker. */
#include "program.h"
#include <pthread.h>

static void *work(void *argument)
{
    struct self *self = argument;
    const char *out;
    size_t n;

    /* SITE background; input=constant; length=constant 2; output=ignored */
    return self->invoke(self->context, "background", "go", 2, &out, &n) ? argument : NULL;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    pthread_t thread;
    void *failed;

    (void)input, (void)length;
    if (pthread_create(&thread, NULL, work, handle))
        return 1;
    pthread_join(thread, &failed);
    return failed != NULL;
}
