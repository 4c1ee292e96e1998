/* nightward describe: one function, and what went wrong with it. */
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include "deploy/client/show.h"
#include <stdio.h>

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

static void print_function(const struct nw_reply *reply)
{
    cJSON *root = nw_answer_json(reply);

    nw_show(root);
    cJSON_Delete(root);
}

static int run(struct nw_settings *settings)
{
    const char *name = settings->arguments[0];
    bool json = nw_setting_on(settings, JSON);
    char path[128], what[128];
    struct nw_request request = {.method = "GET", .path = path};
    struct nw_reply reply;
    bool good;

    nw_answer_check_name(name);
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    snprintf(what, sizeof what, "describe \"%s\"", name);
    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, what);
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        print_function(&reply);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
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
