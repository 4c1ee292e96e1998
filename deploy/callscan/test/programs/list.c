/* Names in a list that is built at the start. */
#include "program.h"

struct node {
    const char *name;
    struct node *next;
};

static struct node *first;

static void add(const char *name)
{
    struct node *node = malloc(sizeof *node);

    node->name = name;
    node->next = first;
    first = node;
}

int faas_init(void)
{
    add("mail");
    add("push");
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct self *self = handle;
    const char *out;
    size_t n;

    for (struct node *node = first; node; node = node->next)
        /* SITE mail, push; input=own input; output=ignored */
        if (self->invoke(self->context, node->name, input, length, &out, &n))
            return 1;
    return 0;
}
