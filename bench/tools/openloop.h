/*
 * Load at a fixed rate: a request is due at its time whether or not earlier ones are answered, and its latency counts
 * from then. A server that stalls so shows the stall in every request that fell into it, not in one for each
 * connection.
 */
#ifndef NW_BENCH_TOOLS_OPENLOOP_H
#define NW_BENCH_TOOLS_OPENLOOP_H

#include "bench/tools/histogram.h"
#include "bench/tools/http_client.h"

struct nw_openloop_plan {
    double rate, seconds; /* requests in a second; how long requests fall due */
    unsigned connections; /* one request at a time on each; a due request without a free one waits */
};

/* requests = latency.n + failed. */
struct nw_openloop_result {
    struct nw_histogram latency; /* ns from when it was due to the answer; to the end for those unanswered */
    struct nw_histogram
        lateness; /* ns from when it was due, or a connection became free, to sending: the client's own */
    uint64_t requests, unanswered, failed;
    double seconds; /* from the first due time to the last answer */
};

/* Waits up to two seconds for answers after the last request was due. 0, or negative errno when it cannot begin. */
int nw__openloop_run(const struct nw_openloop_plan *plan, const struct nw_http_request *request,
                     struct nw_openloop_result *result);

#endif
