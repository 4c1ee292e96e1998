/*
 * A function with 20 MiB of .data and as much of .bss, which takes memory as its input says: "NUMBER" asks malloc for
 * so many MiB and answers whether it got them; "spin NUMBER" asks again and again until it does; "abort" ends it.
 */
#include <faas/worker_v1_interface.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1ul << 20)

static volatile char data[20 * MIB] = {1}, bss[20 * MIB];
static faas_append_output_fn_t append_output;

int faas_init(void)
{
    return data[0] == 1 && bss[0] == 0 ? 0 : -1;
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

static bool can_have(size_t size)
{
    char *memory = malloc(size);

    if (memory)
        memory[size - 1] = 1;
    free(memory);
    return memory != NULL;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    char text[32];
    bool spins, got;
    size_t size;

    snprintf(text, sizeof(text), "%.*s", (int)length, input);
    if (strcmp(text, "abort") == 0)
        abort();
    spins = strncmp(text, "spin ", 5) == 0;
    size = strtoul(text + (spins ? 5 : 0), NULL, 10) * MIB;
    do
        got = can_have(size);
    while (spins && !got);
    append_output(handle, got ? "got" : "none", got ? 3 : 4);
    return 0;
}
