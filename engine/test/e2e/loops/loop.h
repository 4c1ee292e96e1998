/* The four symbols of a function that runs an event loop for each invocation and answers what the loop saw. */
#include <faas/worker_v1_interface.h>
#include <stdlib.h>
#include <string.h>

#define LOOP_TEXT 64

struct loop {
    void *context;
    faas_append_output_fn_t append;
};

#ifdef __cplusplus
extern "C" {
#endif

/* What it saw, or what went wrong; `seen` is empty. */
const char *loop_run(char seen[LOOP_TEXT]);

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct loop *l = (struct loop *)malloc(sizeof(*l));

    (void)invoke;
    l->context = context;
    l->append = append;
    *handle = l;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    free(handle);
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct loop *l = (struct loop *)handle;
    char seen[LOOP_TEXT] = "";
    const char *answer = loop_run(seen);

    (void)input;
    (void)length;
    l->append(l->context, answer, strlen(answer));
    return 0;
}

#ifdef __cplusplus
}
#endif
