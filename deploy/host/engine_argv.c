/* Turns the plan of a host into the flags of nightward-engine. */
#include "deploy/host/engine_argv.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS (40 + 2 * NW_HOST_LISTEN_MAX)

static bool add(char **argv, const char *word)
{
    size_t n = 0;

    while (argv[n])
        n++;
    argv[n] = strdup(word);
    return argv[n] != NULL;
}

static bool add_text(char **argv, const char *flag, const char *value)
{
    return add(argv, flag) && add(argv, value);
}

static bool add_number(char **argv, const char *flag, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return add_text(argv, flag, text);
}

static bool add_listen(char **argv, char *const *listen, int n_listen)
{
    for (int i = 0; i < n_listen; i++)
        if (!add_text(argv, "--listen", listen[i]))
            return false;
    return true;
}

char **nw__engine_argv(const struct nw_host_plan *plan, char *const *listen, int n_listen)
{
    char **argv = calloc(MAX_WORDS, sizeof *argv);

    if (argv && add(argv, "nightward-engine") && add_text(argv, "--state", plan->state) &&
        add_text(argv, "--mode", plan->mode) && add_text(argv, "--io", plan->io) &&
        add_text(argv, "--snapshot", plan->snapshot) && add_text(argv, "--policy", plan->policy) &&
        add_number(argv, "--workers", plan->workers) && add_number(argv, "--workers-most", plan->workers_most) &&
        add_number(argv, "--executors", plan->executors) && add_text(argv, "--function-idle", plan->idle) &&
        add_number(argv, "--engine-threads", plan->engine_threads) &&
        add_number(argv, "--body-limit", plan->body_limit) && add_number(argv, "--queue", plan->queue) &&
        add_number(argv, "--keep", plan->keep) && (!plan->metrics || add_text(argv, "--metrics", plan->metrics)) &&
        (!plan->access_log || add_text(argv, "--access-log", plan->access_log)) &&
        add_number(argv, "--log-size", plan->log_size) && add_number(argv, "--log-total", plan->log_total) &&
        add_listen(argv, listen, n_listen))
        return argv;
    nw__engine_argv_free(argv);
    return NULL;
}

void nw__engine_argv_free(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++)
        free(argv[i]);
    free(argv);
}
