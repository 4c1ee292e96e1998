/*
 * One function of which many are made: nw__variant_number (bench/many/variant.h) writes another number into the file
 * behind the mark, so that each is code of its own with a hash of its own. Answers with its number in decimal, by which
 * a client sees that the function that it asked has answered.
 */
#include <faas/worker_v1_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct variant {
    void *context;
    faas_append_output_fn_t append;
};

static const volatile struct {
    char mark[24];
    uint64_t number;
} numbered = {.mark = "nightward variant here:"};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct variant *variant = malloc(sizeof *variant);

    (void)invoke_func_fn;
    if (!variant)
        return -1;
    *variant = (struct variant){.context = caller_context, .append = append_output_fn};
    *worker_handle = variant;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct variant *variant = worker_handle;
    char text[24];
    int length = snprintf(text, sizeof text, "%lu", (unsigned long)numbered.number);

    (void)input;
    (void)input_length;
    variant->append(variant->context, text, (size_t)length);
    return 0;
}
