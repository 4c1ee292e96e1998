/*
 * many_load HOST:PORT COUNT SPREAD CONNECTIONS SECONDS [RATE|once]: POSTs to /function/f0, f1, ... of COUNT functions
 * made by bench/many, each of which answers with its number. SPREAD is "turn" (round robin) or an exponent of Zipf such
 * as 0.99. Without RATE in a closed loop; "once" ends after COUNT requests. Prints "p50=.. p99=.. p999=.. max=.. n=..
 * rate=.. errors=.. wrong=..", in microseconds and requests a second: `wrong` answers came from another function.
 */
#include "bench/tools/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED 12

struct options {
    const char *address;
    unsigned count;
    double exponent;
    struct nw_load_plan plan;
};

/* A number in [least, greatest]; ends the program when it is none. */
static double number(const char *what, const char *text, double least, double greatest)
{
    char *end;
    double value = strtod(text, &end);

    if (end != text && !*end && value >= least && value <= greatest)
        return value;
    fprintf(stderr, "many_load: %s: %s is no number from %g to %g\n", what, text, least, greatest);
    exit(2);
}

static struct options read_arguments(char **argv)
{
    struct options options = {.address = argv[1], .count = (unsigned)number("COUNT", argv[2], 1, 1e6)};

    options.exponent = strcmp(argv[3], "turn") ? number("SPREAD", argv[3], 0.01, 10) : 0;
    options.plan.connections = (unsigned)number("CONNECTIONS", argv[4], 1, 10000);
    options.plan.seconds = number("SECONDS", argv[5], 0.01, 3600);
    if (argv[6] && !strcmp(argv[6], "once"))
        options.plan.most = options.count;
    else if (argv[6])
        options.plan.rate = number("RATE", argv[6], 1, 10e6);
    return options;
}

static struct nw_http_request *make_requests(const struct options *options)
{
    struct nw_http_request *requests = calloc(options->count, sizeof *requests);
    char url[1024];
    int error = requests ? 0 : -1;

    for (unsigned i = 0; i < options->count && !error; i++) {
        snprintf(url, sizeof url, "http://%s/function/f%u", options->address, i);
        error = nw_http_request_init(&requests[i], url, 1);
        snprintf(requests[i].expected, sizeof requests[i].expected, "%u", i);
    }
    if (!error)
        return requests;
    fprintf(stderr, "many_load: %s: no HOST:PORT, or no memory\n", options->address);
    exit(2);
}

static double microseconds(const struct nw_histogram *histogram, double percent)
{
    return (double)nw_histogram_percentile(histogram, percent) / 1000;
}

static void print(const struct nw_load_result *result)
{
    uint64_t answered = result->requests - result->unanswered - result->failed;

    printf("p50=%.1f p99=%.1f p999=%.1f max=%.1f n=%lu rate=%.0f errors=%lu wrong=%lu\n",
           microseconds(&result->latency, 50), microseconds(&result->latency, 99), microseconds(&result->latency, 99.9),
           microseconds(&result->latency, 100), answered, result->seconds > 0 ? (double)answered / result->seconds : 0,
           result->failed + result->unanswered, result->wrong);
}

int main(int argc, char **argv)
{
    static struct nw_load_result result;
    struct nw_http_request *requests;
    struct options options;
    struct nw_draw draw;
    int error;

    if (argc < 6 || argc > 7) {
        fputs("usage: many_load HOST:PORT COUNT SPREAD CONNECTIONS SECONDS [RATE|once]\n", stderr);
        return 2;
    }
    options = read_arguments(argv);
    error = nw_draw_init(&draw, options.count, options.exponent, SEED);
    requests = make_requests(&options);
    options.plan.draw = &draw;
    if (!error)
        error = nw_load_run(&options.plan, requests, &result);
    for (unsigned i = 0; i < options.count; i++)
        nw_http_request_fini(&requests[i]);
    free(requests);
    nw_draw_fini(&draw);
    if (error)
        fprintf(stderr, "many_load: %s: cannot connect: %s\n", options.address, strerror(-error));
    else
        print(&result);
    return error ? 1 : 0;
}
