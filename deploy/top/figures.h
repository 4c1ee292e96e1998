/* What /metrics says of each function at one moment, and what has happened between two. */
#ifndef NW_DEPLOY_TOP_FIGURES_H
#define NW_DEPLOY_TOP_FIGURES_H

#include "deploy/top/series.h"
#include <stddef.h>

#define NW__STEPS_MOST 64

/* Of one function. Counters are those of /metrics, and rates in a second once nw_figures_between has looked at them. */
struct nw_function_figures {
    char name[NW__LABEL_SIZE];
    double requests, errors; /* the first without those that were cancelled */
    double cpu;              /* seconds; as a rate: processors */
    double in_flight, memory, keys;
    size_t n_steps;
    double bounds[NW__STEPS_MOST], counts[NW__STEPS_MOST]; /* of its durations, as a histogram of Prometheus has them */
};

struct nw_figures {
    size_t n, capacity;
    struct nw_function_figures *functions;
};

/* Reads a text of /metrics. False: memory is out. */
bool nw_figures_read(struct nw_figures *figures, const char *text);

/* A copy. False: memory is out. */
bool nw__figures_copy(struct nw_figures *copy, const struct nw_figures *figures);

void nw_figures_free(struct nw_figures *figures);

/* Makes `now` what happened in so many seconds since `before`, the busiest function first. What is less than it was
 * began anew. */
void nw_figures_between(struct nw_figures *now, const struct nw_figures *before, double seconds);

/* The duration in seconds below which this part of the requests lies, or -1 when there were none. */
double nw_figures_quantile(const struct nw_function_figures *function, double part);

#endif
