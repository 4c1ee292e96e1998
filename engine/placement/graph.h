/*
 * Which function calls which, by name: what was found in files (common/sites), and what was seen. Not responsible for
 * what follows from it (versions/places.c), nor for whether a call is allowed.
 */
#ifndef NW_ENGINE_PLACEMENT_GRAPH_H
#define NW_ENGINE_PLACEMENT_GRAPH_H

#include "engine/base/list.h"
#include "engine/lookup/table.h"
#include <stdbool.h>
#include <stdint.h>

/* Of all callers. All zero: empty. */
struct nw_graph {
    struct nw_table by_callee;
};

#define NW_EDGES_MAX 64 /* of one caller; calls of others are not kept */

/* Of one caller, a member of what describes it. */
struct nw_edges {
    struct nw_list list;
    unsigned n;
};

struct nw_edge {
    struct nw_table_node by_callee; /* in the graph */
    struct nw_list link;            /* in caller->list */
    struct nw_edges *caller;
    bool found;     /* in its file */
    uint64_t calls; /* seen so far */
    char callee[];
};

void nw_edges_init(struct nw_edges *caller);

/* Takes what was found in the caller's file, as nw_manifest.found has it. When memory is out some are left out. */
void nw_graph_found(struct nw_graph *graph, struct nw_edges *caller, const char *found);

/* The caller has called `callee` so many times more. */
void nw_graph_seen(struct nw_graph *graph, struct nw_edges *caller, const char *callee, uint64_t calls);

/* Forgets a caller. */
void nw_graph_forget(struct nw_graph *graph, struct nw_edges *caller);

void nw_graph_fini(struct nw_graph *graph);

/* An edge to `callee`, and the next one to the same; NULL: there is none. */
struct nw_edge *nw_graph_callers(const struct nw_graph *graph, const char *callee);
struct nw_edge *nw_graph_callers_next(const struct nw_edge *edge);

static inline struct nw_edge *nw_edge_at(struct nw_list *at)
{
    return nw_container(at, struct nw_edge, link);
}

#endif
