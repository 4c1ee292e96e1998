/* nightward remove: takes a function away. */
#include "deploy/base/say.h"
#include "deploy/base/state.h"
#include "deploy/cli/command.h"
#include "deploy/client/answer.h"
#include <stdio.h>

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

static void print_removed(const char *name, bool json)
{
    if (json)
        printf("{\"name\":\"%s\",\"removed\":true}\n", name);
    else
        nw_say("removed \"%s\"", name);
}

static int run(struct nw_settings *settings)
{
    const char *name = settings->arguments[0];
    bool json = nw_setting_on(settings, JSON);
    char path[128], what[128];
    struct nw_request request = {.method = "DELETE", .path = path};
    struct nw_reply reply;
    bool good;

    nw_answer_check_name(name);
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    snprintf(what, sizeof what, "remove \"%s\"", name);
    nw_client_send(nw_state_find(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, what);
    if (good)
        print_removed(name, json);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static const char *const examples[] = {"nightward remove hello", NULL};

const struct nw_command nw__command_remove = {
    .name = "remove",
    .summary = "Remove a function; running calls finish.",
    .arguments = "NAME",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
