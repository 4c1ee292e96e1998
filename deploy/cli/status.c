/* nightward status and nightward top: how the host is, and how busy its functions are. */
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/ask.h"
#include "deploy/client/show.h"
#include "deploy/top/top.h"

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

static int run(struct nw_settings *settings)
{
    return nw_ask(nw_state_find(settings, STATE), "/v1/status", "get the status", nw_setting_on(settings, JSON),
                  nw_show);
}

static const char *const examples[] = {"nightward status", "nightward status --json", NULL};

const struct nw_command nw__command_status = {
    .name = "status",
    .summary = "Show the state of the host: addresses, workers, counters.",
    .arguments = "",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .run = run,
};

enum { TOP_STATE, TOP_JSON, TOP_ONCE, TOP_INTERVAL, N_TOP_OPTIONS };

static const struct nw_option top_options[N_TOP_OPTIONS] = {
    [TOP_STATE] = NW_OPTION_ROW_STATE,
    [TOP_JSON] = NW_OPTION_ROW_JSON,
    [TOP_ONCE] = {.name = "once", .help = "show it once, after one interval, and end"},
    [TOP_INTERVAL] = {.name = "interval",
                      .value = "TIME",
                      .initial = "2s",
                      .help = "between two looks, like 500ms or 5s",
                      .kind = NW_OPTION_TIME,
                      .min = 100,
                      .max = 3600000},
};

static int run_top(struct nw_settings *settings)
{
    const struct nw_top top = {
        .state = nw_state_find(settings, TOP_STATE),
        .interval_ms = nw_setting_number(settings, TOP_INTERVAL),
        .once = nw_setting_on(settings, TOP_ONCE),
        .json = nw_setting_on(settings, TOP_JSON),
    };
    return nw_top_run(&top);
}

static const char *const top_examples[] = {"nightward top", "nightward top --interval 500ms",
                                           "nightward top --once --json", NULL};

static const char *const top_notes[] = {
    "RATE/s: answered requests and nested calls through the engine. P50 and P99: what half and 99 of 100 of them took, "
    "within the steps of a histogram. ERRORS/s: all that did not end well, refused ones included. CPU: 100% is one "
    "processor. KEYS: hardware keys that it holds.",
    NULL,
};

const struct nw_command nw__command_top = {
    .name = "top",
    .summary = "Show how busy each function is, again and again.",
    .arguments = "",
    .examples = top_examples,
    .notes = top_notes,
    .options = top_options,
    .n_options = N_TOP_OPTIONS,
    .run = run_top,
};
