/* See figures.h. */
#include "deploy/top/figures.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST "nightward_function_requests_total"

static struct nw_function_figures *add_function(struct nw_figures *figures, const char *name)
{
    if (figures->n == figures->capacity) {
        size_t capacity = figures->capacity ? 2 * figures->capacity : 64;
        void *grown = realloc(figures->functions, capacity * sizeof *figures->functions);
        if (!grown)
            return NULL;
        figures->functions = grown;
        figures->capacity = capacity;
    }
    struct nw_function_figures *function = &figures->functions[figures->n++];
    memset(function, 0, sizeof *function);
    strcpy(function->name, name);
    return function;
}

/* The first metric names all functions, one after the other. NULL when memory is out. */
static struct nw_function_figures *last_or_new(struct nw_figures *figures, const char *name)
{
    struct nw_function_figures *last = figures->n ? &figures->functions[figures->n - 1] : NULL;
    return last && !strcmp(last->name, name) ? last : add_function(figures, name);
}

/* All metrics name functions in the same order, so it is looked for from `*hint` on. */
static struct nw_function_figures *find(const struct nw_figures *figures, const char *name, size_t *hint)
{
    for (size_t i = 0; i < figures->n; i++) {
        size_t at = (*hint + i) % figures->n;
        if (!strcmp(figures->functions[at].name, name)) {
            *hint = at;
            return &figures->functions[at];
        }
    }
    return NULL;
}

static void add_requests(struct nw_function_figures *function, const struct nw__series *series)
{
    char outcome[NW__LABEL_SIZE];
    if (!nw__series_label(series, "outcome", outcome) || !strcmp(outcome, "cancelled"))
        return;
    function->requests += series->value;
    if (strcmp(outcome, "ok"))
        function->errors += series->value;
}

static void add_step(struct nw_function_figures *function, const struct nw__series *series)
{
    char bound[NW__LABEL_SIZE];
    if (!nw__series_label(series, "le", bound) || function->n_steps == NW__STEPS_MOST)
        return;
    function->bounds[function->n_steps] = strtod(bound, NULL);
    function->counts[function->n_steps++] = series->value;
}

static void add_series(struct nw_function_figures *function, const struct nw__series *series)
{
    if (nw__series_is(series, FIRST))
        add_requests(function, series);
    else if (nw__series_is(series, "nightward_function_duration_seconds_bucket"))
        add_step(function, series);
    else if (nw__series_is(series, "nightward_function_cpu_seconds_total"))
        function->cpu = series->value;
    else if (nw__series_is(series, "nightward_function_requests_in_flight"))
        function->in_flight = series->value;
    else if (nw__series_is(series, "nightward_function_memory_bytes"))
        function->memory = series->value;
    else if (nw__series_is(series, "nightward_function_keys"))
        function->keys = series->value;
}

bool nw_figures_read(struct nw_figures *figures, const char *text)
{
    struct nw__series series;
    char name[NW__LABEL_SIZE];
    size_t hint = 0;
    *figures = (struct nw_figures){0};
    while (nw__series_next(&text, &series)) {
        if (!nw__series_label(&series, "function", name))
            continue;
        bool first = nw__series_is(&series, FIRST);
        struct nw_function_figures *function = first ? last_or_new(figures, name) : find(figures, name, &hint);
        if (first && !function)
            return false;
        if (function)
            add_series(function, &series);
    }
    return true;
}

bool nw__figures_copy(struct nw_figures *copy, const struct nw_figures *figures)
{
    size_t size = figures->n * sizeof *figures->functions;
    *copy = (struct nw_figures){.n = figures->n, .capacity = figures->n, .functions = size ? malloc(size) : NULL};
    if (size && !copy->functions)
        return false;
    if (size)
        memcpy(copy->functions, figures->functions, size);
    return true;
}

void nw_figures_free(struct nw_figures *figures)
{
    free(figures->functions);
    *figures = (struct nw_figures){0};
}

static double rate(double now, double before, double seconds)
{
    return (now >= before ? now - before : now) / seconds;
}

static void since(struct nw_function_figures *now, const struct nw_function_figures *before, double seconds)
{
    now->requests = rate(now->requests, before->requests, seconds);
    now->errors = rate(now->errors, before->errors, seconds);
    now->cpu = rate(now->cpu, before->cpu, seconds);
    bool same = now->n_steps && now->n_steps == before->n_steps &&
                now->counts[now->n_steps - 1] >= before->counts[now->n_steps - 1];
    for (size_t i = 0; same && i < now->n_steps; i++)
        now->counts[i] -= before->counts[i];
}

static int compare(const void *a, const void *b)
{
    const struct nw_function_figures *left = a, *right = b;
    if (left->requests != right->requests)
        return left->requests < right->requests ? 1 : -1;
    return strcmp(left->name, right->name);
}

void nw_figures_between(struct nw_figures *now, const struct nw_figures *before, double seconds)
{
    static const struct nw_function_figures nothing;
    size_t hint = 0;
    for (size_t i = 0; i < now->n; i++) {
        const struct nw_function_figures *then = find(before, now->functions[i].name, &hint);
        since(&now->functions[i], then ? then : &nothing, seconds);
    }
    if (now->n)
        qsort(now->functions, now->n, sizeof *now->functions, compare);
}

/* Within a step they are taken to lie evenly; of those behind the last bound nothing more is known. */
double nw_figures_quantile(const struct nw_function_figures *function, double part)
{
    double all = function->n_steps ? function->counts[function->n_steps - 1] : 0, wanted = part * all;
    double low = 0, below = 0;
    if (all <= 0)
        return -1;
    for (size_t i = 0; i < function->n_steps; i++) {
        if (isinf(function->bounds[i]))
            return low;
        if (function->counts[i] >= wanted && function->counts[i] > below)
            return low + (function->bounds[i] - low) * (wanted - below) / (function->counts[i] - below);
        low = function->bounds[i];
        below = function->counts[i];
    }
    return low;
}
