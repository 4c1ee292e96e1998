/*
 * The whole text of /metrics, in steps that delay nobody. First it is gathered what there is, one function or worker
 * at a time, then written one metric after the other, as the format wants. Functions and workers may come and go
 * meanwhile: what was gathered is of one moment for each of them.
 */
#ifndef NW_ENGINE_METRICS_SCRAPE_H
#define NW_ENGINE_METRICS_SCRAPE_H

#include "common/base/buffer.h"
#include <stdbool.h>

#define NW_METRICS_TYPE      "text/plain; version=0.0.4; charset=utf-8"
#define NW_METRICS_FUNCTIONS 10000 /* that are shown, the first by their names */

struct nw_controller;
struct nw_scrape;

/* NULL when memory is out. */
struct nw_scrape *nw_scrape_new(struct nw_controller *controller);
void nw_scrape_free(struct nw_scrape *scrape);

/* One step, which may add to the text: 1; 0 when it was the last; -ENOMEM. */
int nw_scrape_step(struct nw_scrape *scrape, struct nw_buffer *text);

#endif
