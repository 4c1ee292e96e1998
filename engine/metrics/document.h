/* docs/reference/metrics.md, from metrics.def. */
#ifndef NW_ENGINE_METRICS_DOCUMENT_H
#define NW_ENGINE_METRICS_DOCUMENT_H

#include <stdio.h>

void nw_metrics_document(FILE *to);

#endif
