/* See metric.h. */
#include "engine/metrics/metric.h"

#define OF_HOST     struct nw__host_sample
#define OF_BUILD    struct nw__build_sample
#define OF_WORKER   struct nw__worker_sample
#define OF_FUNCTION struct nw__function_sample

const struct nw__metric nw__metrics[] = {
#define METRIC(of, field, name, type, unit, label, help) \
    {NW__OF_##of, offsetof(OF_##of, field), name, sizeof(name) - 1, NW__##type, NW__##unit, NW__##label, help},
#include "engine/metrics/metrics.def"
#undef METRIC
};

const size_t nw__metrics_n = sizeof nw__metrics / sizeof nw__metrics[0];

unsigned nw__metric_width(const struct nw__metric *metric)
{
    static const unsigned widths[NW__LABELS] = {[NW__NONE] = NW__WIDTH_NONE,
                                                [NW__OUTCOME] = NW__WIDTH_OUTCOME,
                                                [NW__REASON] = NW__WIDTH_REASON,
                                                [NW__RESOURCE] = NW__WIDTH_RESOURCE};
    return widths[metric->label];
}

/* A domain that ended for no fault of its function is not made anew for that; violations are among crashes. */
bool nw__metric_shows(const struct nw__metric *metric, unsigned value)
{
    return metric->label != NW__REASON ||
           (value == NW_OUTCOME_CRASH || value == NW_OUTCOME_TIMEOUT || value == NW_OUTCOME_ERROR);
}

const char *nw__metric_label(const struct nw__metric *metric)
{
    static const char *const names[NW__LABELS] = {
        [NW__OUTCOME] = "outcome", [NW__REASON] = "reason", [NW__RESOURCE] = "resource"};
    return names[metric->label];
}

const char *nw__metric_word(const struct nw__metric *metric, unsigned value)
{
    return metric->label == NW__RESOURCE ? nw_resources[value].name : nw_outcome_word((enum nw_outcome)value);
}
