/* nightward status: how the host is. */
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

static void print_status(const struct nw_reply *reply)
{
    cJSON *root = nw_answer_json(reply);

    nw_show(root);
    cJSON_Delete(root);
}

static int run(struct nw_settings *settings)
{
    struct nw_request request = {.method = "GET", .path = "/v1/status"};
    bool json = nw_setting_on(settings, JSON);
    struct nw_reply reply;
    bool good;

    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, "get the status");
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        print_status(&reply);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
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
