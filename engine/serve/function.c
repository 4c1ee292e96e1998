/* The table of function.h: a fixed number of buckets, since names are few and looked up often. */
#include "engine/serve/function.h"
#include "engine/serve/engine.h"
#include <stdlib.h>
#include <string.h>

/* FNV-1a */
static struct nw_list *bucket(struct nw_engine *engine, const char *name, size_t length)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return &engine->functions[hash % NW_FUNCTION_BUCKETS];
}

struct nw_function *nw_function_find(struct nw_engine *engine, const char *name, size_t length)
{
    struct nw_list *head = bucket(engine, name, length);
    nw_list_each(head, at, after)
    {
        struct nw_function *function = nw_container(at, struct nw_function, link);
        if (!strncmp(function->name, name, length) && !function->name[length])
            return function;
    }
    return NULL;
}

struct nw_function *nw_function_get(struct nw_engine *engine, const char *name)
{
    struct nw_function *function = nw_function_find(engine, name, strlen(name));
    if (function)
        return function;
    function = calloc(1, sizeof *function);
    if (!function)
        return NULL;
    strncpy(function->name, name, NW_NAME_MAX);
    nw_list_init(&function->waiting);
    nw_list_init(&function->capped);
    nw_list_init(&function->uncap_link);
    nw_list_append(bucket(engine, name, strlen(name)), &function->link);
    return function;
}

static void function_free(struct nw_function *function)
{
    nw_list_remove(&function->uncap_link);
    free(function->failures);
    free(function);
}

void nw_function_remove(struct nw_function *function)
{
    function->removed = true;
    nw_list_remove(&function->link);
    if (!function->references)
        function_free(function);
}

void nw_function_unref(struct nw_function *function)
{
    if (!--function->references && function->removed)
        function_free(function);
}

void nw_functions_each(struct nw_engine *engine, void (*callback)(struct nw_function *function, void *arg), void *arg)
{
    for (int i = 0; i < NW_FUNCTION_BUCKETS; i++)
        nw_list_each(&engine->functions[i], at, after) callback(nw_container(at, struct nw_function, link), arg);
}
