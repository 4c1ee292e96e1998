/*
 * What most programs of this folder begin with: the entries of a function whose func workers are a struct with what the
 * runtime handed in. A program that stores it elsewhere defines OWN_ENTRIES. A comment before a line tells of the call
 * in it: SITE, MAYBE or LEAVES, the names that may be called ("?": others, too), and optionally words that are allowed
 * for input, length and output; "weaker" names the levels at which less may be known. programs_test.c compares.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <faas/worker_v1_interface.h>
#include <stdlib.h>
#include <string.h>

typedef struct self {
    void *context;
    faas_invoke_func_fn_t invoke;
    faas_append_output_fn_t append;
} self_t;

#ifndef OWN_ENTRIES
int faas_create_func_worker(void *caller_context, faas_invoke_func_fn_t invoke_func_fn,
                            faas_append_output_fn_t append_output_fn, void **worker_handle)
{
    struct self *self = (struct self *)malloc(sizeof *self);

    if (!self)
        return -1;
    self->context = caller_context;
    self->invoke = invoke_func_fn;
    self->append = append_output_fn;
    *worker_handle = self;
    return 0;
}

int faas_destroy_func_worker(void *worker_handle)
{
    free(worker_handle);
    return 0;
}
#endif

#endif
