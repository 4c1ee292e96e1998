/* The text format of Prometheus, 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#ifndef NW_ENGINE_METRICS_TEXT_H
#define NW_ENGINE_METRICS_TEXT_H

#include "common/base/buffer.h"
#include "engine/metrics/metric.h"

/* What comes before the samples of a metric. 0 or -ENOMEM, as the next one. */
int nw__text_head(struct nw_buffer *text, const struct nw__metric *metric);

/* The lines of a metric for a sample, which is of the kind that the metric says: none for a histogram in which nothing
 * is counted yet. */
int nw__text_sample(struct nw_buffer *text, const struct nw__metric *metric, const struct nw__sample *sample);

/* Adds a label to those of a sample, escaped, whatever is in the value. */
void nw__text_label(struct nw__sample *sample, const char *label, const char *value);

#endif
