/* nightward status: how the host is. */
#include "deploy/answer.h"
#include "deploy/command.h"
#include "deploy/say.h"
#include "deploy/state.h"
#include <stdio.h>

#define MAX_DEPTH 8

enum { STATE, JSON, N_OPTIONS };

static const struct nw_option options[N_OPTIONS] = {
    [STATE] = NW_OPTION_ROW_STATE,
    [JSON] = NW_OPTION_ROW_JSON,
};

/* Whatever the engine tells, one value a line, so that what it learns to tell is shown too. */
static void print_value(const cJSON *item, const char *key, int depth)
{
    const cJSON *child;
    const char *name = item->string ? item->string : key;
    char text[256];

    if (depth > MAX_DEPTH)
        return;
    printf("%*s%-*s", 2 * depth, "", 16 - 2 * (depth > 7 ? 7 : depth), name);
    if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
        putchar('\n');
        cJSON_ArrayForEach(child, item) print_value(child, "-", depth + 1);
        return;
    }
    if (cJSON_IsBool(item))
        puts(cJSON_IsTrue(item) ? " yes" : " no");
    else
        printf(" %s\n", nw_answer_scalar(item, text, sizeof text));
}

static void print_status(const struct nw_reply *reply)
{
    cJSON *root = nw_answer_json(reply);
    const cJSON *child;

    cJSON_ArrayForEach(child, root) print_value(child, "-", 0);
    cJSON_Delete(root);
}

static int run(struct nw_settings *settings)
{
    struct nw_request request = {.method = "GET", .path = "/v1/status"};
    bool json = nw_setting_on(settings, JSON);
    struct nw_reply reply;
    bool good;

    nw_client_send(nw_state_directory(settings, STATE), &request, &reply);
    good = nw_answer_check(&reply, json, "get the status");
    if (good && json)
        nw_answer_write_line(&reply);
    else if (good)
        print_status(&reply);
    nw_reply_fini(&reply);
    return good ? NW_EXIT_OK : NW_EXIT_REFUSED;
}

static const char *const examples[] = {"nightward status", "nightward status --json", NULL};

const struct nw_command nw_command_status = {
    .name = "status",
    .summary = "Show how the host is: addresses, workers, counters.",
    .arguments = "",
    .examples = examples,
    .options = options,
    .n_options = N_OPTIONS,
    .run = run,
};
