/*
 * A function that says when each part of it ends. Its input is what it prints, without an end of line; "hang" and
 * "crash" say what its exit handler is to do besides.
 */
#include <faas/worker_v1_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char asked[64];

static void say(const char *what)
{
    if (write(STDERR_FILENO, what, strlen(what)) < 0)
        abort();
}

static void on_exit_of_the_program(void)
{
    say("exit handler\n");
    printf("left in the buffer");
    if (!strcmp(asked, "crash"))
        abort();
    while (!strcmp(asked, "hang"))
        pause();
}

__attribute__((destructor)) static void destructor(void)
{
    say("destructor\n");
}

int faas_init(void)
{
    printf("printed by faas_init");
    return atexit(on_exit_of_the_program);
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    (void)context, (void)invoke, (void)append;
    *handle = NULL;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    say("func worker\n");
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    (void)handle;
    snprintf(asked, sizeof(asked), "%.*s", (int)length, input);
    return printf("%s", asked) < 0;
}
