/*
 * The call graph as a graph for dot(1). Functions that were not scanned have a dashed border; what a function may call
 * besides, nobody knows what, is an edge to a question mark; calls of a cycle are red.
 */
#include "deploy/callscan/show/show.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edge {
    const char *from, *to;
    bool sure;
};

struct graph {
    struct edge *edges;
    size_t n, room;
};

static void add_edge(struct graph *graph, const char *from, const char *to, bool sure)
{
    for (size_t i = 0; i < graph->n; i++)
        if (strcmp(graph->edges[i].from, from) == 0 && strcmp(graph->edges[i].to, to) == 0) {
            graph->edges[i].sure |= sure;
            return;
        }
    if (graph->n == graph->room) {
        graph->room = graph->room ? 2 * graph->room : 64;
        graph->edges = reallocarray(graph->edges, graph->room, sizeof *graph->edges);
        if (!graph->edges)
            abort();
    }
    graph->edges[graph->n++] = (struct edge){from, to, sure};
}

/* Whether calls lead from one function to another. `seen` has a place for each edge. */
static bool leads(const struct graph *graph, const char *from, const char *to, bool *seen)
{
    if (strcmp(from, to) == 0)
        return true;
    for (size_t i = 0; i < graph->n; i++)
        if (!seen[i] && strcmp(graph->edges[i].from, from) == 0) {
            seen[i] = true;
            if (leads(graph, graph->edges[i].to, to, seen))
                return true;
        }
    return false;
}

static bool is_scanned(const struct nw_scanned *functions, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(functions[i].name, name) == 0)
            return true;
    return false;
}

static void collect(struct graph *graph, const struct nw_scanned *function, bool *unknown)
{
    for (uint32_t i = 0; i < function->sites.n_sites; i++) {
        const struct nw_site *site = &function->sites.sites[i];
        for (uint32_t k = 0; k < site->n_names; k++)
            add_edge(graph, function->name, site->names[k], site->kind == NW_SITE_CALL);
    }
    *unknown = !nw_sites_are_known(&function->sites);
}

static void print_edge(const struct graph *graph, const struct edge *edge)
{
    bool *seen = calloc(graph->n + 1, sizeof *seen);

    if (!seen)
        abort();
    printf("    \"%s\" -> \"%s\" [%s%s];\n", edge->from, edge->to, edge->sure ? "style=solid" : "style=dotted",
           leads(graph, edge->to, edge->from, seen) ? ", color=red, label=\"cycle\"" : "");
    free(seen);
}

void nw_show_dot(const struct nw_scanned *functions, unsigned n)
{
    struct graph graph = {0};
    bool unknown;

    puts("digraph calls {\n    rankdir=LR;\n    node [shape=box];");
    for (unsigned i = 0; i < n; i++) {
        collect(&graph, &functions[i], &unknown);
        printf("    \"%s\";\n", functions[i].name);
        if (unknown)
            printf("    \"%s?\" [label=\"?\", shape=plaintext];\n"
                   "    \"%s\" -> \"%s?\" [style=dashed, label=\"unknown\"];\n",
                   functions[i].name, functions[i].name, functions[i].name);
    }
    for (size_t i = 0; i < graph.n; i++) {
        if (!is_scanned(functions, n, graph.edges[i].to))
            printf("    \"%s\" [style=dashed];\n", graph.edges[i].to);
        print_edge(&graph, &graph.edges[i]);
    }
    puts("}");
    free(graph.edges);
}
