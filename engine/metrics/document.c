/* See document.h. */
#include "engine/metrics/document.h"
#include "engine/metrics/metric.h"

static const char intro[] =
    "# Metrics\n"
    "\n"
    "Written by `make docs/reference/metrics.md` from `engine/metrics/metrics.def`; do not edit.\n"
    "\n"
    "`GET /metrics`, on the admin socket and where `nightward up --metrics` says, answers with these in the text "
    "format\n"
    "of Prometheus, 0.0.4. [operations.md](../operations.md#metrics) says how to collect them.\n"
    "\n"
    "| metric | type | labels | what it is |\n"
    "| --- | --- | --- | --- |\n";

static const char outro[] =
    "\n"
    "A function is shown once it was called or loaded, the first 10,000 by their names. Its counters go on when "
    "another\n"
    "version is deployed, and begin anew when it was removed, or with the engine. `outcome` is one of\n"
    "\n"
    "* `ok`: the function has returned, with whatever HTTP status it chose;\n"
    "* `error`: it returned an error, or no answer that can be used;\n"
    "* `timeout`: it ran past its timeout, or the caller's `X-Timeout` passed;\n"
    "* `crash`: the function or its worker ended;\n"
    "* `violation`: it reached for memory whose key it does not hold (mode `mpk`);\n"
    "* `rejected`: it was not run: too many waited, it is not loaded and cannot be, or its body is too large;\n"
    "* `cancelled`: the client went away, or its body came too slowly.\n"
    "\n"
    "Counters are there from the start, so that their first step is seen; the histograms of a function, from its "
    "first\n"
    "request on that a worker had. Their bounds are 10, 25 and 50 us and so on up to 10 s; for waits in the queue "
    "every\n"
    "third is shown. What workers tell (calls, processor time, memory, keys) is a fraction of a second old.\n"
    "A worker has another number after each start, and so other series.\n";

static void print_labels(FILE *to, const struct nw__metric *metric)
{
    static const char *const of[] = {[NW__OF_HOST] = "",
                                     [NW__OF_BUILD] = "`version`, `mode`, `io`",
                                     [NW__OF_WORKER] = "`worker`, `tenant`",
                                     [NW__OF_FUNCTION] = "`function`"};
    const char *label = nw__metric_label(metric);
    fprintf(to, "%s%s", of[metric->of], *of[metric->of] && label ? ", " : "");
    if (label)
        fprintf(to, "`%s`", label);
}

void nw_metrics_document(FILE *to)
{
    static const char *const types[] = {
        [NW__COUNTER] = "counter", [NW__GAUGE] = "gauge", [NW__HISTOGRAM] = "histogram", [NW__COARSE] = "histogram"};
    fputs(intro, to);
    for (size_t i = 0; i < nw__metrics_n; i++) {
        fprintf(to, "| `%s` | %s | ", nw__metrics[i].name, types[nw__metrics[i].type]);
        print_labels(to, &nw__metrics[i]);
        fprintf(to, " | %s |\n", nw__metrics[i].help);
    }
    fputs(outro, to);
}
