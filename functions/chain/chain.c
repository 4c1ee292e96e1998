/*
 * Calls itself, or the function it is told, to a depth: input "N" or "N NAME". The output shows every level:
 * "3 > 2 > 1 > 0". Each level is an invocation of its own, nested in the one above.
 */
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_MAX_LENGTH 63

struct chain {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
};

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct chain *chain = malloc(sizeof *chain);

    if (!chain)
        return -1;
    *chain = (struct chain){.context = caller_context, .invoke = invoke_func_fn, .append = append_output_fn};
    *worker_handle = chain;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}

/* Reads "N" or "N NAME". 0, or -1 when the input is neither. */
static int parse(const char *input, size_t length, int *depth, char name[NAME_MAX_LENGTH + 1])
{
    char text[96];
    int end = 0;

    if (length >= sizeof text)
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)length, input);
    snprintf(name, NAME_MAX_LENGTH + 1, "chain");
    if (sscanf(text, "%7d %63[^ \n] %n", depth, name, &end) < 2 && sscanf(text, "%7d %n", depth, &end) < 1)
        return -1;
    return text[end] || *depth < 0 ? -1 : 0;
}

/* Asks the next level and appends what it says. */
static int descend(const struct chain *chain, int depth, const char *name)
{
    const char *below;
    size_t below_length;
    char next[96];
    int next_length = snprintf(next, sizeof next, "%d %s", depth - 1, name);

    if (chain->invoke(chain->context, name, next, (size_t)next_length, &below, &below_length)) {
        fprintf(stderr, "chain: the call of \"%s\" with %d levels to go failed\n", name, depth - 1);
        return 1;
    }
    chain->append(chain->context, " > ", 3);
    chain->append(chain->context, below, below_length);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct chain *chain = worker_handle;
    char name[NAME_MAX_LENGTH + 1], level[16];
    int depth, length;

    if (parse(input, input_length, &depth, name)) {
        fputs("chain: the input must be \"N\" or \"N NAME\"\n", stderr);
        return 1;
    }
    length = snprintf(level, sizeof level, "%d", depth);
    chain->append(chain->context, level, (size_t)length);
    if (depth > 0)
        return descend(chain, depth, name);
    chain->append(chain->context, "\n", 1);
    return 0;
}
