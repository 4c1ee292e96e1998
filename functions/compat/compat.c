/* The function interface for the functions of this folder. Not responsible for what they try. */
#include "compat.h"
#include <faas/worker_v1_interface.h>
#include <stdlib.h>
#include <string.h>

struct func_worker {
    void *context;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return compat_load();
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct func_worker *worker = malloc(sizeof *worker);

    (void)invoke;
    if (!worker)
        return -1;
    worker->context = context;
    worker->append = append;
    *handle = worker;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    free(handle);
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct func_worker *worker = handle;
    char *text = strndup(input, length);
    char *answer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&answer, &size);
    int rc = -1;

    if (text && out)
        rc = compat_call(text, out);
    if (out && fclose(out) == 0)
        worker->append(worker->context, answer, size);
    free(answer);
    free(text);
    return rc;
}
