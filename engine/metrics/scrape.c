/* See scrape.h. */
#include "engine/metrics/scrape.h"
#include "engine/control/controller.h"
#include "engine/metrics/metric.h"
#include "engine/metrics/sample.h"
#include "engine/metrics/text.h"
#include "engine/serve/engine.h"
#include "engine/serve/function.h"
#include "engine/workers/seats.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_A_STEP 8 /* that are written; some microseconds */

/* Samples of one kind. */
struct samples {
    struct nw_buffer all;
    size_t size; /* of one */
};

struct nw_scrape {
    struct nw_controller *controller;
    int (*step)(struct nw_scrape *scrape, struct nw_buffer *text); /* the next one */
    char after[NW_NAME_MAX + 1];                                   /* the function that was gathered last */
    struct nw_seat_walk walk;                                      /* to the next worker */
    uint64_t left_out;
    struct samples of[NW__OFS];
    size_t metric, written; /* which is written, and how many of its samples are */
};

/* Room for one more, which counts once it is kept. NULL when memory is out. */
static void *next_sample(struct samples *samples)
{
    return nw_buffer_reserve(&samples->all, samples->size) < 0 ? NULL : samples->all.data + samples->all.length;
}

static void keep(struct samples *samples)
{
    samples->all.length += samples->size;
}

static size_t number_of(const struct samples *samples)
{
    return samples->all.length / samples->size;
}

static int write_samples(struct nw_scrape *scrape, struct nw_buffer *text)
{
    const struct nw__metric *metric = &nw__metrics[scrape->metric];
    const struct samples *samples = &scrape->of[metric->of];
    size_t n = number_of(samples), end = n - scrape->written > SAMPLES_A_STEP ? scrape->written + SAMPLES_A_STEP : n;
    int rc = scrape->written ? 0 : nw__text_head(text, metric);
    for (; !rc && scrape->written < end; scrape->written++)
        rc = nw__text_sample(text, metric, (const void *)(samples->all.data + scrape->written * samples->size));
    if (rc < 0 || scrape->written < n)
        return rc < 0 ? rc : 1;
    scrape->written = 0;
    return ++scrape->metric < nw__metrics_n;
}

static int gather_host(struct nw_scrape *scrape, struct nw_buffer *text)
{
    struct nw__host_sample *host = next_sample(&scrape->of[NW__OF_HOST]);
    struct nw__build_sample *build = next_sample(&scrape->of[NW__OF_BUILD]);
    if (!host || !build)
        return -ENOMEM;
    nw__sample_host(host, scrape->controller);
    *host->functions_left_out = scrape->left_out;
    *host->workers = number_of(&scrape->of[NW__OF_WORKER]);
    nw__sample_build(build, scrape->controller);
    keep(&scrape->of[NW__OF_HOST]);
    keep(&scrape->of[NW__OF_BUILD]);
    scrape->step = write_samples;
    (void)text;
    return 1;
}

static int gather_worker(struct nw_scrape *scrape, struct nw_buffer *text)
{
    const struct nw_seat *seat = nw_seat_walk_next(&scrape->walk);
    struct nw__worker_sample *sample = next_sample(&scrape->of[NW__OF_WORKER]);
    (void)text;
    if (!sample)
        return -ENOMEM;
    if (!seat)
        scrape->step = gather_host;
    else if (nw__sample_worker(sample, seat))
        keep(&scrape->of[NW__OF_WORKER]);
    return 1;
}

static int gather_function(struct nw_scrape *scrape, struct nw_buffer *text)
{
    struct samples *samples = &scrape->of[NW__OF_FUNCTION];
    const struct nw_function *function = nw_function_behind(&scrape->controller->engine, scrape->after);
    struct nw__function_sample *sample = next_sample(samples);
    (void)text;
    if (!sample)
        return -ENOMEM;
    if (!function) {
        scrape->step = gather_worker;
        return 1;
    }
    snprintf(scrape->after, sizeof scrape->after, "%s", function->name);
    if (!nw__sample_function(sample, function))
        return 1;
    if (number_of(samples) < NW_METRICS_FUNCTIONS)
        keep(samples);
    else
        scrape->left_out++;
    return 1;
}

struct nw_scrape *nw_scrape_new(struct nw_controller *controller)
{
    struct nw_scrape *scrape = calloc(1, sizeof *scrape);
    if (!scrape)
        return NULL;
    scrape->controller = controller;
    scrape->step = gather_function;
    scrape->of[NW__OF_HOST].size = sizeof(struct nw__host_sample);
    scrape->of[NW__OF_BUILD].size = sizeof(struct nw__build_sample);
    scrape->of[NW__OF_WORKER].size = sizeof(struct nw__worker_sample);
    scrape->of[NW__OF_FUNCTION].size = sizeof(struct nw__function_sample);
    nw_seat_walk_begin(&controller->workers, &scrape->walk);
    size_t n = controller->engine.functions.n;
    n = n < NW_METRICS_FUNCTIONS ? n : NW_METRICS_FUNCTIONS;
    nw_buffer_reserve(&scrape->of[NW__OF_FUNCTION].all, n * sizeof(struct nw__function_sample)); /* else it grows */
    return scrape;
}

void nw_scrape_free(struct nw_scrape *scrape)
{
    nw_seat_walk_end(&scrape->walk);
    for (int i = 0; i < NW__OFS; i++)
        nw_buffer_fini(&scrape->of[i].all);
    free(scrape);
}

int nw_scrape_step(struct nw_scrape *scrape, struct nw_buffer *text)
{
    return scrape->step(scrape, text);
}
