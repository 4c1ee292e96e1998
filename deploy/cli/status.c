/* nightward status: how the host is. */
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/ask.h"
#include "deploy/client/show.h"

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
