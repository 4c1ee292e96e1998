/*
 * Load on one server. At a fixed rate (an open loop) a request is due at its time whether or not earlier ones are
 * answered, and its latency counts from then: a server that stalls so shows the stall in every request that fell into
 * it, not in one for each connection. Without a rate (a closed loop) each connection sends again as soon as it is
 * answered.
 */
#ifndef NW_BENCH_TOOLS_LOAD_H
#define NW_BENCH_TOOLS_LOAD_H

#include "bench/draw/draw.h"
#include "bench/tools/histogram.h"
#include "bench/tools/http_client.h"

struct nw_load_plan {
    double rate, seconds; /* requests in a second, 0: a closed loop; how long requests fall due */
    unsigned connections; /* one request at a time on each; a due request without a free one waits */
    struct nw_draw *draw; /* which of the requests comes next; NULL: always the first */
    uint64_t most;        /* a closed loop ends after this many; 0: when the time is over */
    bool at_random;       /* at a rate, requests fall due at random times (a Poisson process) instead of evenly */

    /* Told of each request that is over, by its place among the requests: the status of its answer, 0 when it has none
     * in time, -1 when the connection broke; ns from when it was due. NULL: nobody. */
    void (*over)(void *arg, unsigned request, int status, uint64_t ns);
    void *arg;
};

/* requests = latency.n + failed. */
struct nw_load_result {
    struct nw_histogram latency; /* ns from when it was due to the answer; to the end for those unanswered */
    struct nw_histogram
        lateness; /* ns from when it was due, or a connection became free, to sending: the client's own */
    uint64_t requests, unanswered, failed;
    uint64_t wrong; /* answered, and not with what the request expects */
    double seconds; /* from the first due time to the last answer */
};

/* Waits up to two seconds for answers after the last request was due. All requests go to the address of the first. 0,
 * or negative errno when it cannot begin. */
int nw_load_run(const struct nw_load_plan *plan, const struct nw_http_request *requests, struct nw_load_result *result);

#endif
