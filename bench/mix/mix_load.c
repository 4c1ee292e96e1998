/*
 * mix_load URL MIX RATE|most SECONDS CONNECTIONS: POSTs to bench/functions/spin.c whose lengths are mixed. MIX is
 * bimodal, exponential or heavy (mix.h), or a number of microseconds that each takes. At RATE requests a second, at
 * random times (a Poisson process), in an open loop; "most": as many as the connections carry, in a closed one. One
 * line on standard output, in microseconds and requests a second: "rate=.. n=.. errors=.. refused=.. refused_p99=..
 * late=.. curve=PERCENT:VALUE,... short=PERCENT:VALUE,...". `rate` counts what was answered with success, `refused`
 * answers 429, `short` the latency of requests that are no longer than the mean, `late` is the p99 of what the client
 * itself was late by.
 */
#include "bench/mix/mix.h"
#include "bench/tools/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED     13
#define ALIKE    1e-9 /* an exponent of Zipf by which all are drawn as often as the others */
#define REFUSED  429
#define PERCENTS 5

static const double percents[PERCENTS] = {50, 90, 99, 99.9, 99.99};

static struct nw_mix mix;
static struct nw_http_request requests[NW_MIX_POINTS];
static struct nw_histogram shorts, refusals;

/* A number in [least, greatest]; ends the program when it is none. */
static double number(const char *what, const char *text, double least, double greatest)
{
    char *end;
    double value = strtod(text, &end);

    if (end != text && !*end && value >= least && value <= greatest)
        return value;
    fprintf(stderr, "mix_load: %s: %s is no number from %g to %g\n", what, text, least, greatest);
    exit(2);
}

static void read_mix(const char *name)
{
    int kind = nw_mix_parse(name);

    if (kind < 0)
        nw_mix_alike(&mix, (uint64_t)(1000 * number("MIX", name, 0.001, 60e6)));
    else
        nw_mix_init(&mix, (enum nw_mix_kind)kind);
}

static void make_requests(const char *url)
{
    char body[24];
    int error = 0;

    for (unsigned i = 0; i < NW_MIX_POINTS && !error; i++) {
        int length = snprintf(body, sizeof body, "%lu", mix.ns[i]);
        error = nw_http_request_post(&requests[i], url, body, (size_t)length);
    }
    if (!error)
        return;
    fprintf(stderr, "mix_load: %s: %s\n", url, strerror(-error));
    exit(2);
}

static void over(void *arg, unsigned request, int status, uint64_t ns)
{
    (void)arg;
    if (status == REFUSED)
        nw_histogram_add(&refusals, ns);
    else if ((status / 100 == 2 || !status) && nw_mix_is_short(&mix, request))
        nw_histogram_add(&shorts, ns);
}

static double microseconds(const struct nw_histogram *histogram, double percent)
{
    return (double)nw_histogram_percentile(histogram, percent) / 1000;
}

static void print_curve(const char *name, const struct nw_histogram *histogram)
{
    printf(" %s=", name);
    for (int i = 0; i < PERCENTS; i++)
        printf("%s%g:%.1f", i ? "," : "", percents[i], microseconds(histogram, percents[i]));
}

static void print(const struct nw_load_result *result)
{
    uint64_t answered = result->requests - result->unanswered - result->failed;

    printf("rate=%.0f n=%lu errors=%lu refused=%lu refused_p99=%.1f late=%.1f",
           result->seconds > 0 ? (double)answered / result->seconds : 0, answered,
           result->failed + result->unanswered - refusals.n, refusals.n, microseconds(&refusals, 99),
           microseconds(&result->lateness, 99));
    print_curve("curve", &result->latency);
    print_curve("short", &shorts);
    putchar('\n');
}

int main(int argc, char **argv)
{
    static struct nw_load_result result;
    struct nw_draw draw;
    int error;

    if (argc != 6) {
        fputs("usage: mix_load URL MIX RATE|most SECONDS CONNECTIONS\n", stderr);
        return 2;
    }
    read_mix(argv[2]);
    make_requests(argv[1]);
    struct nw_load_plan plan = {.rate = strcmp(argv[3], "most") ? number("RATE", argv[3], 1, 10e6) : 0,
                                .seconds = number("SECONDS", argv[4], 0.01, 3600),
                                .connections = (unsigned)number("CONNECTIONS", argv[5], 1, 10000),
                                .draw = &draw,
                                .at_random = true,
                                .over = over};
    error = nw_draw_init(&draw, NW_MIX_POINTS, ALIKE, SEED);
    if (!error)
        error = nw_load_run(&plan, requests, &result);
    for (unsigned i = 0; i < NW_MIX_POINTS; i++)
        nw_http_request_fini(&requests[i]);
    nw_draw_fini(&draw);
    if (error)
        fprintf(stderr, "mix_load: %s: cannot connect: %s\n", argv[1], strerror(-error));
    else
        print(&result);
    return error ? 1 : 0;
}
