/* See graph.h. */
#include "engine/placement/graph.h"
#include <stdlib.h>
#include <string.h>

static uint64_t hash(const char *callee)
{
    return nw_table_hash(callee, strlen(callee));
}

void nw_edges_init(struct nw_edges *caller)
{
    *caller = (struct nw_edges){.n = 0};
    nw_list_init(&caller->list);
}

static struct nw_edge *find(struct nw_edges *caller, const char *callee)
{
    nw_list_each(&caller->list, at, after)
    {
        if (!strcmp(nw_edge_at(at)->callee, callee))
            return nw_edge_at(at);
    }
    return NULL;
}

/* The edge, made if there is none; NULL: there are too many, or memory is out. */
static struct nw_edge *get(struct nw_graph *graph, struct nw_edges *caller, const char *callee)
{
    struct nw_edge *edge = find(caller, callee);
    if (edge || caller->n == NW_EDGES_MAX)
        return edge;
    edge = calloc(1, sizeof *edge + strlen(callee) + 1);
    if (!edge)
        return NULL;
    strcpy(edge->callee, callee);
    if (nw_table_add(&graph->by_callee, &edge->by_callee, hash(callee)) < 0) {
        free(edge);
        return NULL;
    }
    edge->caller = caller;
    nw_list_append(&caller->list, &edge->link);
    caller->n++;
    return edge;
}

void nw_graph_found(struct nw_graph *graph, struct nw_edges *caller, const char *found)
{
    while (*found && *found != '!') {
        char name[64] = "";
        size_t length = strcspn(found, ",");
        if (length < sizeof name)
            memcpy(name, found, length);
        found += length + (found[length] == ',');
        struct nw_edge *edge = *name && *name != '*' && *name != '-' ? get(graph, caller, name) : NULL;
        if (edge)
            edge->found = true;
    }
}

void nw_graph_seen(struct nw_graph *graph, struct nw_edges *caller, const char *callee, uint64_t calls)
{
    struct nw_edge *edge = get(graph, caller, callee);
    if (edge)
        edge->calls += calls;
}

void nw_graph_forget(struct nw_graph *graph, struct nw_edges *caller)
{
    nw_list_each(&caller->list, at, after)
    {
        struct nw_edge *edge = nw_edge_at(at);
        nw_table_remove(&graph->by_callee, &edge->by_callee);
        nw_list_remove(&edge->link);
        free(edge);
    }
    caller->n = 0;
}

void nw_graph_fini(struct nw_graph *graph)
{
    nw_table_fini(&graph->by_callee);
}

static struct nw_edge *with_callee(struct nw_table_node *node, const char *callee)
{
    while (node && strcmp(nw_container(node, struct nw_edge, by_callee)->callee, callee) != 0)
        node = nw_table_next(node);
    return node ? nw_container(node, struct nw_edge, by_callee) : NULL;
}

struct nw_edge *nw_graph_callers(const struct nw_graph *graph, const char *callee)
{
    return with_callee(nw_table_first(&graph->by_callee, hash(callee)), callee);
}

struct nw_edge *nw_graph_callers_next(const struct nw_edge *edge)
{
    return with_callee(nw_table_next(&edge->by_callee), edge->callee);
}
