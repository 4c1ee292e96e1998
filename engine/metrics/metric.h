/* The table of metrics.def as types: what each metric is, and the samples that hold values of them. */
#ifndef NW_ENGINE_METRICS_METRIC_H
#define NW_ENGINE_METRICS_METRIC_H

#include "common/base/status.h"
#include "common/manifest/resources.h"
#include "engine/tally/tally.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sample begins with its labels, as they stand in the text: `function="hello"`, or nothing. */
#define NW__LABELS_SIZE 192
struct nw__sample {
    size_t length; /* of them */
    char labels[NW__LABELS_SIZE];
};

enum nw__metric_of { NW__OF_HOST, NW__OF_BUILD, NW__OF_WORKER, NW__OF_FUNCTION, NW__OFS };
enum nw__metric_type { NW__COUNTER, NW__GAUGE, NW__HISTOGRAM, NW__COARSE };
enum nw__metric_unit { NW__ONE, NW__NS };
enum nw__metric_label { NW__NONE, NW__OUTCOME, NW__REASON, NW__RESOURCE, NW__LABELS };

/* How many values each label has. */
enum {
    NW__WIDTH_NONE = 1,
    NW__WIDTH_OUTCOME = NW_OUTCOMES,
    NW__WIDTH_REASON = NW_OUTCOMES,
    NW__WIDTH_RESOURCE = NW_RESOURCE_COUNT
};

/* The fields of a kind of sample: a number for each value of the label, or a histogram. */
#define NW__FIELD_COUNTER(field, label)   uint64_t field[NW__WIDTH_##label];
#define NW__FIELD_GAUGE(field, label)     uint64_t field[NW__WIDTH_##label];
#define NW__FIELD_HISTOGRAM(field, label) struct nw_histogram field;
#define NW__FIELD_COARSE(field, label)    struct nw_histogram field;

#define METRIC(of, field, name, type, unit, label, help) NW__IN_##of(field, type, label)
#define NW__IN_HOST(field, type, label)                  NW__FIELD_##type(field, label)
#define NW__IN_BUILD(field, type, label)
#define NW__IN_WORKER(field, type, label)
#define NW__IN_FUNCTION(field, type, label)
struct nw__host_sample {
    struct nw__sample sample;
#include "engine/metrics/metrics.def"
};
#undef NW__IN_HOST
#undef NW__IN_BUILD
#define NW__IN_HOST(field, type, label)
#define NW__IN_BUILD(field, type, label) NW__FIELD_##type(field, label)
struct nw__build_sample {
    struct nw__sample sample;
#include "engine/metrics/metrics.def"
};
#undef NW__IN_BUILD
#undef NW__IN_WORKER
#define NW__IN_BUILD(field, type, label)
#define NW__IN_WORKER(field, type, label) NW__FIELD_##type(field, label)
struct nw__worker_sample {
    struct nw__sample sample;
#include "engine/metrics/metrics.def"
};
#undef NW__IN_WORKER
#undef NW__IN_FUNCTION
#define NW__IN_WORKER(field, type, label)
#define NW__IN_FUNCTION(field, type, label) NW__FIELD_##type(field, label)
struct nw__function_sample {
    struct nw__sample sample;
#include "engine/metrics/metrics.def"
};
#undef METRIC
#undef NW__IN_HOST
#undef NW__IN_BUILD
#undef NW__IN_WORKER
#undef NW__IN_FUNCTION

struct nw__metric {
    enum nw__metric_of of;
    size_t offset; /* of its field in a sample */
    const char *name;
    size_t name_length;
    enum nw__metric_type type;
    enum nw__metric_unit unit;
    enum nw__metric_label label;
    const char *help;
};

/* The rows of the table. */
extern const struct nw__metric nw__metrics[];
extern const size_t nw__metrics_n;

/* How many values a metric has in a sample, unless it is a histogram; which of them are shown; the name of the label
 * (NULL: there is none) and its word for a value. */
unsigned nw__metric_width(const struct nw__metric *metric);
bool nw__metric_shows(const struct nw__metric *metric, unsigned value);
const char *nw__metric_label(const struct nw__metric *metric);
const char *nw__metric_word(const struct nw__metric *metric, unsigned value);

#endif
