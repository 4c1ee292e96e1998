/*
 * openloop URL RATE SECONDS CONNECTIONS [SIZE]: load at a fixed rate with POSTs of SIZE bytes. One line on standard
 * output, in microseconds and requests a second: "p50=.. p99=.. p999=.. n=.. rate=.. errors=.. late=..
 * curve=PERCENT:VALUE,...". `errors` counts failed and unanswered requests; `late` is the p99 of what the client itself
 * was late by. The latency of requests that were answered too late, or not, is in the percentiles.
 */
#include "bench/tools/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERCENT_COUNT 10

static const double percents[PERCENT_COUNT] = {10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};

static double microseconds(const struct nw_histogram *histogram, double percent)
{
    return (double)nw_histogram_percentile(histogram, percent) / 1000;
}

static void print(const struct nw_load_result *result)
{
    uint64_t answered = result->requests - result->unanswered - result->failed;

    printf("p50=%.1f p99=%.1f p999=%.1f n=%lu rate=%.0f errors=%lu late=%.1f curve=",
           microseconds(&result->latency, 50), microseconds(&result->latency, 99), microseconds(&result->latency, 99.9),
           answered, result->seconds > 0 ? (double)answered / result->seconds : 0, result->failed + result->unanswered,
           microseconds(&result->lateness, 99));
    for (int i = 0; i < PERCENT_COUNT; i++)
        printf("%s%g:%.1f", i ? "," : "", percents[i], microseconds(&result->latency, percents[i]));
    putchar('\n');
}

/* A number in [least, greatest]; ends the program when it is none. */
static double number(const char *what, const char *text, double least, double greatest)
{
    char *end;
    double value = strtod(text, &end);

    if (end != text && !*end && value >= least && value <= greatest)
        return value;
    fprintf(stderr, "openloop: %s: %s is no number from %g to %g\n", what, text, least, greatest);
    exit(2);
}

int main(int argc, char **argv)
{
    static struct nw_load_result result;
    struct nw_http_request request;
    struct nw_load_plan plan;
    int error;

    if (argc < 5 || argc > 6) {
        fputs("usage: openloop URL RATE SECONDS CONNECTIONS [SIZE]\n", stderr);
        return 2;
    }
    plan = (struct nw_load_plan){.rate = number("RATE", argv[2], 1, 10e6),
                                 .seconds = number("SECONDS", argv[3], 0.01, 3600),
                                 .connections = (unsigned)number("CONNECTIONS", argv[4], 1, 10000)};
    error = nw_http_request_init(&request, argv[1], argc > 5 ? (size_t)number("SIZE", argv[5], 0, 1 << 30) : 0);
    if (error) {
        fprintf(stderr, "openloop: %s: %s\n", argv[1], strerror(-error));
        return 2;
    }
    error = nw_load_run(&plan, &request, &result);
    nw_http_request_fini(&request);
    if (error) {
        fprintf(stderr, "openloop: %s: cannot connect: %s\n", argv[1], strerror(-error));
        return 1;
    }
    print(&result);
    return 0;
}
