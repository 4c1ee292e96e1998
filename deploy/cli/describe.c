/* nightward describe: one function, and what went wrong with it. */
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/ask.h"
#include "deploy/client/show.h"
#include <stdio.h>

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

static int run(struct nw_settings *settings)
{
    const char *name = settings->arguments[0];
    char path[128], what[128];

    nw_answer_check_name(name);
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    snprintf(what, sizeof what, "describe \"%s\"", name);
    return nw_ask(nw_state_find(settings, STATE), path, what, nw_setting_on(settings, JSON), nw_show);
}

static const char *const examples[] = {"nightward describe hello", "nightward describe hello --json", NULL};

const struct nw_command nw__command_describe = {
    .name = "describe",
    .summary = "Show a function: settings, state, the last error and its reason.",
    .arguments = "NAME",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
