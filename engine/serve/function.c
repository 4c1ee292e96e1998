/* The functions of function.h: a table by name, which invocations use, and an order of names for lists. */
#include "engine/serve/function.h"
#include "engine/serve/engine.h"
#include "engine/tally/meter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct nw_function *function_at(const struct nw_table_node *node)
{
    return node ? nw_container(node, struct nw_function, by_name) : NULL;
}

void nw_functions_init(struct nw_engine *engine)
{
    engine->functions = (struct nw_table){0};
    engine->functions_order = (struct nw_order){.root = NULL};
}

void nw_functions_fini(struct nw_engine *engine)
{
    nw_table_fini(&engine->functions);
    nw_order_fini(&engine->functions_order);
    nw_routes_fini(&engine->routes);
}

struct nw_function *nw_function_find(struct nw_engine *engine, const char *name, size_t length)
{
    const struct nw_table_node *node = nw_table_first(&engine->functions, nw_table_hash(name, length));
    for (; node; node = nw_table_next(node))
        if (!strncmp(function_at(node)->name, name, length) && !function_at(node)->name[length])
            return function_at(node);
    return NULL;
}

struct nw_function *nw_function_choose(struct nw_engine *engine, const char *name, size_t length)
{
    struct nw_route *route = nw_routes_find(&engine->routes, name, length);
    if (!route)
        return nw_function_find(engine, name, length);
    const char *to = nw_route_take(route);
    return nw_function_find(engine, to, strlen(to));
}

struct nw_function *nw_function_behind(struct nw_engine *engine, const char *name)
{
    const char *found = nw_order_behind(&engine->functions_order, name);
    return found ? nw_container(found, struct nw_function, name) : NULL;
}

static int add(struct nw_engine *engine, struct nw_function *function)
{
    uint64_t hash = nw_table_hash(function->name, strlen(function->name));
    if (nw_order_add(&engine->functions_order, function->name) < 0)
        return -ENOMEM;
    int rc = nw_table_add(&engine->functions, &function->by_name, hash);
    if (rc < 0)
        nw_order_remove(&engine->functions_order, function->name);
    return rc;
}

/* The main thread's functions have one from the start. */
static int make_meter(struct nw_function *function)
{
    if (function->engine->thread)
        return 0;
    function->meter = nw_meter_new(function->engine->options.threads);
    return function->meter ? 0 : -ENOMEM;
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
    function->engine = engine;
    if (make_meter(function) < 0 || add(engine, function) < 0) {
        nw_meter_unref(function->meter);
        free(function);
        return NULL;
    }
    engine->branches += nw_function_is_branch(function);
    nw_list_init(&function->waiting);
    for (int kind = 0; kind < NW_ROOM_KINDS; kind++)
        nw_list_init(&function->capped[kind]);
    nw_list_init(&function->uncap_link);
    nw_list_init(&function->wanted_link);
    return function;
}

static void function_free(struct nw_function *function)
{
    nw_list_remove(&function->uncap_link);
    if (function->heir)
        nw_function_unref(function->heir);
    free(function->failures);
    free(function->routes);
    nw_meter_drop(function->tally);
    nw_meter_unref(function->meter);
    free(function);
}

/* A function that was removed and deployed again has another meter; the tally stays, as invocations count in it. */
void nw_function_measure(struct nw_function *function, struct nw_meter *meter)
{
    if (function->meter == meter)
        return;
    nw_meter_unref(function->meter);
    function->meter = meter;
    nw_meter_ref(meter);
    if (function->tally)
        nw_meter_show(meter, function->engine->thread, function->tally);
}

struct nw_tally *nw_function_tally(struct nw_function *function)
{
    function->tally = nw_meter_show(function->meter, function->engine->thread, NULL);
    return function->tally;
}

void nw_function_bequeath(struct nw_function *branch)
{
    size_t length = strcspn(branch->name, (const char[]){NW_BRANCH_MARK, '\0'});
    branch->heir = nw_function_find(branch->engine, branch->name, length);
    if (branch->heir)
        branch->heir->references++;
}

void nw_function_remove(struct nw_function *function)
{
    function->removed = true;
    function->engine->branches -= nw_function_is_branch(function);
    nw_list_remove(&function->wanted_link);
    nw_table_remove(&function->engine->functions, &function->by_name);
    nw_order_remove(&function->engine->functions_order, function->name);
    if (!function->references)
        function_free(function);
}

void nw_function_want(struct nw_function *function)
{
    function = nw_function_heir(function);
    if (!function->removed && nw_list_empty(&function->wanted_link))
        nw_list_append(&function->engine->wanted, &function->wanted_link);
}

struct nw_function *nw_function_next_wanted(struct nw_engine *engine)
{
    struct nw_list *first = engine->wanted.next;
    if (nw_list_empty(&engine->wanted))
        return NULL;
    nw_list_remove(first);
    return nw_container(first, struct nw_function, wanted_link);
}

void nw_function_unref(struct nw_function *function)
{
    if (!--function->references && function->removed)
        function_free(function);
}

struct each {
    void (*callback)(struct nw_function *function, void *arg);
    void *arg;
};

static void call_back(void *arg, struct nw_table_node *node)
{
    const struct each *each = arg;
    each->callback(function_at(node), each->arg);
}

void nw_functions_each(struct nw_engine *engine, void (*callback)(struct nw_function *function, void *arg), void *arg)
{
    struct each each = {callback, arg};
    nw_table_each(&engine->functions, call_back, &each);
}
