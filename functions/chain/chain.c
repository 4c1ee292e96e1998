/*
 * Calls itself, or the function it is told, to a depth: input "N" or "N NAME". The output shows every level:
 * "3 > 2 > 1 > 0". Each level is an invocation of its own, nested in the one above.
 */
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LENGTH   63
#define NUMBER_MAX_LENGTH 20
#define DIGITS_MAX        7 /* of a depth that is asked for */

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
static int parse(const char *input, size_t length, unsigned long *depth, char name[NAME_MAX_LENGTH + 1])
{
    char text[96], *at;
    size_t n;

    if (length == 0 || length >= sizeof text || *input < '0' || *input > '9')
        return -1;
    memcpy(text, input, length);
    text[length] = '\0';
    *depth = strtoul(text, &at, 10);
    if (at - text > DIGITS_MAX || !strchr(" \n", *at)) /* the end of the text will do, too */
        return -1;
    at += strspn(at, " \n");
    n = strcspn(at, " \n");
    if (n > NAME_MAX_LENGTH || at + n + strspn(at + n, " \n") != text + length)
        return -1;
    memcpy(name, at, n);
    strcpy(name + n, n ? "" : "chain");
    return 0;
}

/* The digits of a number, without a NUL: stdio would take longer than the call that they are for. */
static size_t put_number(char digits[NUMBER_MAX_LENGTH], unsigned long number)
{
    char reversed[NUMBER_MAX_LENGTH];
    size_t n = 0;

    do
        reversed[n++] = (char)('0' + number % 10);
    while (number /= 10);
    for (size_t i = 0; i < n; i++)
        digits[i] = reversed[n - 1 - i];
    return n;
}

/* Asks the next level and appends what it says. */
static int descend(const struct chain *chain, unsigned long depth, const char *name)
{
    const char *below;
    char next[NUMBER_MAX_LENGTH + 1 + NAME_MAX_LENGTH];
    size_t length = put_number(next, depth - 1), name_length = strlen(name);

    next[length++] = ' ';
    memcpy(next + length, name, name_length);
    if (chain->invoke(chain->context, name, next, length + name_length, &below, &length)) {
        fprintf(stderr, "chain: the call of \"%s\" with %lu levels to go failed\n", name, depth - 1);
        return 1;
    }
    chain->append(chain->context, " > ", 3);
    chain->append(chain->context, below, length);
    return 0;
}

int faas_func_call(void *worker_handle, const char *input, size_t input_length)
{
    const struct chain *chain = worker_handle;
    char name[NAME_MAX_LENGTH + 1], level[NUMBER_MAX_LENGTH];
    unsigned long depth;

    if (parse(input, input_length, &depth, name)) {
        fputs("chain: the input must be \"N\" or \"N NAME\"\n", stderr);
        return 1;
    }
    chain->append(chain->context, level, put_number(level, depth));
    if (depth > 0)
        return descend(chain, depth, name);
    chain->append(chain->context, "\n", 1);
    return 0;
}
