/*
 * A function with 8 KiB of thread-local variables that want a fixed place, as those of jemalloc do. It answers what
 * malloc puts into memory that it gives, and how much of its variables each func worker has to itself.
 */
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 8192

static __thread volatile char own[SIZE] __attribute__((tls_model("initial-exec")));
static faas_append_output_fn_t append_output;

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    (void)invoke;
    append_output = append;
    *handle = context;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    unsigned char *volatile memory = malloc(64); /* what is in it is what malloc left there */
    char text[64];
    size_t clean = 0;

    (void)input, (void)length;
    for (size_t i = 0; i < SIZE; i++) {
        clean += own[i] == 0;
        own[i] = 1;
    }
    if (!memory)
        return -1;
    snprintf(text, sizeof(text), "%zu of its own, filled with %02x", clean, memory[32]);
    free(memory);
    append_output(handle, text, strlen(text));
    return 0;
}
